import { expect, test } from "vitest";
import { occupancy, seat } from "../src/plan";
import { bySize, totalSeats } from "../src/table";

const tables = [
  { number: 1, seats: 6 },
  { number: 2, seats: 2 },
  { number: 3, seats: 4, outside: true },
  { number: 4, seats: 4 },
];

test("nobody needs no table", () => {
  expect(seat([], tables).seated.size).toBe(0);
});

test("each party gets the smallest table that fits", () => {
  const { seated } = seat([{ name: "Ito", guests: 2 }, { name: "Okafor", guests: 5 }], tables);
  expect([...seated].map(([name, table]) => [name, table.number])).toEqual([["Okafor", 1], ["Ito", 2]]);
});

test("who wants to sit outside sits outside", () => {
  const { seated } = seat([{ name: "Ruiz", guests: 2, outside: true }], tables);
  expect(seated.get("Ruiz")?.number).toBe(3);
});

test("who does not fit waits", () => {
  expect(seat([{ name: "Band", guests: 7 }], tables).waiting).toEqual(["Band"]);
});

test("tables sort by size, then number", () => {
  expect([...tables].sort(bySize).map((table) => table.number)).toEqual([2, 3, 4, 1]);
});

test("seats add up", () => {
  expect(totalSeats(tables)).toBe(16);
});

test("occupancy is a share", () => {
  expect(occupancy([{ name: "Ito", guests: 4 }], tables)).toBe(0.25);
});

test("no seats, no occupancy", () => {
  expect(occupancy([{ name: "Ito", guests: 4 }], [])).toBe(0);
});
