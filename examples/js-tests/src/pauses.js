/**
 * How long to wait before an attempt, in milliseconds; attempts count from 1.
 * @typedef {(attempt: number) => number} Pauses
 */

/**
 * The same pause before every attempt.
 * @param {number} ms
 * @returns {Pauses}
 */
export function steady(ms) {
  return () => ms;
}

/**
 * Pauses that double, up to a limit.
 * @param {number} firstMs
 * @param {number} limitMs
 * @returns {Pauses}
 */
export function exponential(firstMs, limitMs) {
  return (attempt) => Math.min(limitMs, firstMs * 2 ** (attempt - 1));
}
