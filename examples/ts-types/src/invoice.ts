import { add, cents, percentOf, type Cents } from "./money.js";

export interface Line {
  readonly description: string;
  readonly quantity: number;
  readonly unitPrice: Cents;
  readonly vatPercent: number;
}

export interface Invoice {
  readonly number: string;
  readonly issued: Date;
  readonly lines: readonly Line[];
}

export interface Totals {
  readonly net: Cents;
  readonly vat: ReadonlyMap<number, Cents>;
  readonly gross: Cents;
}

export function lineNet(line: Line): Cents {
  return cents(line.quantity * line.unitPrice);
}

/** Net by rate first, then the tax of each rate: rounding once a rate, not once a line. */
export function totals(invoice: Invoice): Totals {
  const netByRate = new Map<number, Cents>();
  for (const line of invoice.lines) {
    const before = netByRate.get(line.vatPercent) ?? cents(0);
    netByRate.set(line.vatPercent, add(before, lineNet(line)));
  }
  const vat = new Map([...netByRate].map(([rate, net]) => [rate, percentOf(net, rate)] as const));
  const net = add(...netByRate.values());
  return { net, vat, gross: add(net, ...vat.values()) };
}
