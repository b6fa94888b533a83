import { totalSeats, type Table } from "./table";

export interface Party {
  readonly name: string;
  readonly guests: number;
  readonly outside?: boolean;
}

export interface Plan {
  readonly seated: ReadonlyMap<string, Table>;
  readonly waiting: readonly string[];
}

function fits(table: Table, party: Party): boolean {
  return table.seats >= party.guests && (!party.outside || table.outside === true);
}

/** Largest parties first, each at the smallest free table that fits. */
export function seat(parties: readonly Party[], tables: readonly Table[]): Plan {
  const seated = new Map<string, Table>();
  const waiting: string[] = [];
  if (parties.length === 0) {
    return { seated, waiting };
  }
  const free = [...tables].sort(bySize);
  for (const party of [...parties].sort((a, b) => b.guests - a.guests)) {
    const index = free.findIndex((table) => fits(table, party));
    if (index === -1) {
      waiting.push(party.name);
    } else {
      seated.set(party.name, free[index]);
      free.splice(index, 1);
    }
  }
  return { seated, waiting };
}

/** The share of all seats that is taken, between 0 and 1. */
export function occupancy(parties: readonly Party[], tables: readonly Table[]): number {
  const seats = totalSeats(tables);
  const guests = parties.reduce((sum, party) => sum + party.guests, 0);
  return seats === 0 ? 0 : Math.min(1, guests / seats);
}
