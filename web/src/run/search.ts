import { one } from "../search.ts";
import type { MetricsSearch } from "./MetricsTab.tsx";

export interface RunSearch extends MetricsSearch {
  tab?: string | undefined;
  /** The artifact that is shown. */
  path?: string | undefined;
}

export function validateRunSearch(search: Record<string, unknown>): RunSearch {
  return { tab: one(search.tab), path: one(search.path), keys: one(search.keys), axis: one(search.axis), log: one(search.log), smooth: one(search.smooth), x: one(search.x) };
}
