/** Amounts in whole cents, so that sums are exact. */
export type Cents = number & { readonly unit: "cents" };

export function cents(amount: number): Cents {
  if (!Number.isSafeInteger(amount)) {
    throw new RangeError(`not a whole number of cents: ${amount}`);
  }
  return amount as Cents;
}

export function add(...amounts: readonly Cents[]): Cents {
  return cents(amounts.reduce((sum, amount) => sum + amount, 0));
}

/** A share of an amount, rounded half up to whole cents. */
export function percentOf(amount: Cents, percent: number): Cents {
  return cents(Math.round((amount * percent) / 100));
}

export function formatCents(amount: Cents, currency = "EUR"): string {
  const sign = amount < 0 ? "-" : "";
  const whole = Math.trunc(Math.abs(amount) / 100);
  const rest = String(Math.abs(amount) % 100).padStart(2, "0");
  return `${sign}${whole}.${rest} ${currency}`;
}
