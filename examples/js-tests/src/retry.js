import { setTimeout as sleep } from "node:timers/promises";
import { steady } from "./pauses.js";

/** Thrown when the last attempt failed too; `cause` is its error. */
export class Exhausted extends Error {
  /**
   * @param {number} attempts
   * @param {unknown} cause
   */
  constructor(attempts, cause) {
    super(`gave up after ${attempts} attempts`, { cause });
    this.attempts = attempts;
  }
}

/**
 * Do some work until it succeeds, at most so many times.
 * @template T
 * @param {() => Promise<T>} work
 * @param {{ attempts?: number, pauses?: import("./pauses.js").Pauses }} [options]
 * @returns {Promise<{ value: T, attempts: number }>}
 */
export async function retry(work, { attempts = 3, pauses = steady(0) } = {}) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return { value: await work(), attempts: attempt };
    } catch (error) {
      if (attempt >= attempts) {
        throw new Exhausted(attempt, error);
      }
      await sleep(pauses(attempt));
    }
  }
}
