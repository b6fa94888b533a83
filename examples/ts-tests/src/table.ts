export interface Table {
  readonly number: number;
  readonly seats: number;
  readonly outside?: boolean;
}

/** Smallest first; of two equal ones the lower number. */
export function bySize(a: Table, b: Table): number {
  return a.seats - b.seats || a.number - b.number;
}

export function totalSeats(tables: Iterable<Table>): number {
  let seats = 0;
  for (const table of tables) {
    seats += table.seats;
  }
  return seats;
}
