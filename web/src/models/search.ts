import { one } from "../search.ts";

export interface ModelsSearch {
  q?: string | undefined;
}

/** Two versions that are compared. */
export interface ModelSearch {
  from?: string | undefined;
  to?: string | undefined;
}

export const validateModelsSearch = (search: Record<string, unknown>): ModelsSearch => ({ q: one(search.q) });
export const validateModelSearch = (search: Record<string, unknown>): ModelSearch => ({ from: one(search.from), to: one(search.to) });
