import { retry } from "./retry.js";

/**
 * @template T
 * @typedef {{ name: string, work: () => Promise<T> }} Job
 */

/**
 * Do the jobs one after the other, each with its retries.
 * The result holds the values in the order of the jobs, and how many attempts it took in all.
 * @template T
 * @param {Iterable<Job<T>>} jobs
 * @param {Parameters<typeof retry>[1]} [options]
 * @returns {Promise<{ values: T[], attempts: number }>}
 */
export async function drain(jobs, options) {
  /** @type {T[]} */
  const values = [];
  let total = 0;
  for (const job of jobs) {
    const done = retry(job.work, options);
    values.push(done.value);
    total += done.attempts;
  }
  return { values, attempts: total };
}
