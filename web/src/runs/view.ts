import { many, one } from "../search.ts";
import { type Column, expression, parseColumn, sortable } from "./columns.ts";

/** The state of a runs table, all of it in the address. */
export interface RunsSearch {
  /** Filter, in the filter language. */
  q?: string | undefined;
  /** A column and a direction: `metrics.acc DESC`; newest first without it. */
  sort?: string | undefined;
  /** Columns; a choice by what the runs have without it. */
  col?: string[] | undefined;
  /** Columns that stay in view. */
  pin?: string[] | undefined;
  /** The run that the others are compared with. */
  base?: string | undefined;
  /** `deleted` shows the bin. */
  view?: string | undefined;
  /** `1` leaves out children. */
  top?: string | undefined;
  /** `1` shows only columns in which the runs differ. */
  differ?: string | undefined;
  /** Params, tags or attributes to group by. */
  group?: string[] | undefined;
}

export function validateRunsSearch(search: Record<string, unknown>): RunsSearch {
  return {
    q: one(search.q)?.trim(),
    sort: one(search.sort),
    col: many(search.col),
    pin: many(search.pin),
    base: one(search.base),
    view: one(search.view),
    top: one(search.top),
    differ: one(search.differ),
    group: many(search.group),
  };
}

export interface Sort {
  column: Column;
  descending: boolean;
}

export function parseSort(text: string | undefined): Sort | undefined {
  const found = /^(.*) (ASC|DESC)$/s.exec(text ?? "");
  const column = found?.[1] ? parseColumn(found[1]) : undefined;
  return column && sortable(column) ? { column, descending: found?.[2] === "DESC" } : undefined;
}

export function sortText(sort: Sort | undefined): string | undefined {
  return sort && `${sort.column.id} ${sort.descending ? "DESC" : "ASC"}`;
}

export function orderBy(sort: Sort | undefined): string[] | null {
  return sort ? [`${expression(sort.column)} ${sort.descending ? "DESC" : "ASC"}`] : null;
}

/** A click on a heading: numbers first from the largest, texts from the first letter, then the other way, then not at all. */
export function nextSort(current: Sort | undefined, column: Column): Sort | undefined {
  const first = column.kind === "metric" || column.key === "start_time" || column.key === "end_time";
  if (current?.column.id !== column.id) return { column, descending: first };
  return current.descending === first ? { column, descending: !first } : undefined;
}

/** Where the server says a filter is wrong: characters from 1. */
export function errorPosition(message: string): number | undefined {
  const found = /^(?:filter|order_?by|orderBy)[^:]*: at (\d+):/i.exec(message);
  return found?.[1] ? Number(found[1]) : undefined;
}
