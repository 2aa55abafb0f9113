import { number, toNumber } from "../format.ts";
import type { Comparison } from "./ComparePage.tsx";

/** An axis: where each run stands on it, from 0 to 1, or nowhere. */
export interface Dimension {
  id: string;
  name: string;
  places: (number | undefined)[];
  values: (string | undefined)[];
  ticks: { at: number; text: string }[];
}

/** Params and metrics in which runs differ, as axes: numbers by their size, texts by their order. */
export function dimensions(found: Comparison): Dimension[] {
  const all: [string, string, (number | string | null)[]][] = [
    ...found.params.filter((param) => param.differs).map((param): [string, string, (string | null)[]] => [`params.${param.key}`, param.key, param.values.map((value) => value ?? null)]),
    ...found.metrics.filter((metric) => metric.differs).map((metric): [string, string, (number | string | null)[]] => [`metrics.${metric.key}`, metric.key, metric.last.map((value) => value ?? null)]),
  ];
  return all.map(([id, name, values]) => dimension(id, name, values));
}

export function dimension(id: string, name: string, values: (number | string | null)[]): Dimension {
  const there = values.filter((value) => value !== null && value !== "");
  const numbers = there.map((value) => toNumber(value));
  const texts = values.map((value) => (value === null ? undefined : typeof value === "number" ? number(value) : value));
  const isNumeric = id.startsWith("metrics.") || (there.length > 0 && numbers.every((value) => !Number.isNaN(value)));
  if (isNumeric) {
    const finite = numbers.filter(Number.isFinite);
    const [low, high] = [Math.min(...finite), Math.max(...finite)];
    const place = (value: number) => (high > low ? (value - low) / (high - low) : 0.5);
    return {
      id, name, values: texts,
      places: values.map((value) => (value === null || value === "" || !Number.isFinite(toNumber(value)) ? undefined : place(toNumber(value)))),
      ticks: finite.length === 0 ? [] : high > low ? [0, 0.5, 1].map((at) => ({ at, text: number(low + at * (high - low), 4) })) : [{ at: 0.5, text: number(low, 4) }],
    };
  }
  const order = [...new Set(there.map(String))].sort();
  const place = (text: string) => (order.length > 1 ? order.indexOf(text) / (order.length - 1) : 0.5);
  const shown = order.length <= 12 ? order : order.filter((_, index) => index % Math.ceil(order.length / 12) === 0);
  return { id, name, values: texts, places: values.map((value) => (value === null || value === "" ? undefined : place(String(value)))), ticks: shown.map((text) => ({ at: place(text), text })) };
}
