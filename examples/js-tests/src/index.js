export { exponential, steady } from "./pauses.js";
export { Exhausted, retry } from "./retry.js";
export { drain } from "./queue.js";
