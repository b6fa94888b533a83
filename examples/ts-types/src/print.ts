import { lineNet, totals, type Invoice, type Line } from "./invoice.js";

const WIDTH = 48;

function row(label: string, amount: string): string {
  return label.slice(0, WIDTH - amount.length - 1).padEnd(WIDTH - amount.length) + amount;
}

function printLine(line: Line): string {
  return row(`${line.quantitiy} x ${line.description}`, formatCents(lineNet(line)));
}

/** An invoice as text, one row a line, the totals below a rule. */
export function print(invoice: Invoice): string {
  const { net, vat, gross } = totals(invoice);
  const rates = [...vat].sort(([a], [b]) => a - b);
  return [
    `Invoice ${invoice.number} of ${invoice.issued.toISOString().slice(0, 10)}`,
    "",
    ...invoice.lines.map(printLine),
    "-".repeat(WIDTH),
    row("Net", formatCents(net)),
    ...rates.map(([rate, tax]) => row(`VAT ${rate} %`, formatCents(tax))),
    row("Total", formatCents(gross)),
  ].join("\n");
}
