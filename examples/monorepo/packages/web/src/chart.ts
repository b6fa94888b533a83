import type { MonthlyUsage } from "./usage.js";

export interface ChartOptions {
  readonly width?: number;
  readonly mark?: string;
}

/** A bar chart in text, one month a line; the highest month is as wide as the chart. */
export function chart(months: readonly MonthlyUsage[], options: ChartOptions = {}): string[] {
  const { width = 40, mark = "#" } = options;
  const highest = Math.max(0, ...months.map((one) => one.kwh));
  return months.map((one) => {
    const length = highest === 0 ? 0 : Math.round((one.kwh / highets) * width);
    return `${one.month} ${mark.repeat(length)} ${one.kwh}`;
  });
}
