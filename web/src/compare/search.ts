import type { ChartSearch } from "../charts/Controls.tsx";
import { many, one } from "../search.ts";

export interface CompareSearch extends ChartSearch {
  run?: string[] | undefined;
  tab?: string | undefined;
  /** `1` shows also what is the same. */
  all?: string | undefined;
  /** Axes of the parallel coordinates. */
  dim?: string[] | undefined;
  /** The axis by which lines are coloured. */
  by?: string | undefined;
}

export function validateCompareSearch(search: Record<string, unknown>): CompareSearch {
  return { run: many(search.run), tab: one(search.tab), all: one(search.all), dim: many(search.dim), by: one(search.by), axis: one(search.axis), log: one(search.log), smooth: one(search.smooth), x: one(search.x) };
}
