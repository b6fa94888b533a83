/** One month of the report that the API writes. */
export interface MonthlyUsage {
  readonly month: string;
  readonly kwh: number;
}

function isMonthlyUsage(value: unknown): value is MonthlyUsage {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const { month, kwh } = value as Record<string, unknown>;
  return typeof month === "string" && /^\d{4}-\d{2}$/.test(month) && typeof kwh === "number";
}

/** The months of a report; TypeError if it is anything else. */
export function parseReport(text: string): MonthlyUsage[] {
  const report: unknown = JSON.parse(text);
  if (!Array.isArray(report) || !report.every(isMonthlyUsage)) {
    throw new TypeError("not a usage report");
  }
  return report;
}
