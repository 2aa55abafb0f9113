import { expect, test } from "vitest";
import { append, merge, type Series, smooth } from "./series.ts";

const seriesOf = (x: number[], values: number[]): Series => ({ runId: "r", key: "k", x: [...x], last: [...values], min: [...values], max: [...values], exact: true, incomplete: false, total: x.length });

// The rule of charts: what a series reached, its chart shows. Whatever is joined, the extremes stay.
test("no spike is lost where points share a place", () => {
  let seed = 7;
  const random = () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 2147483648;
  };
  for (let round = 0; round < 200; round++) {
    const count = Math.floor(random() * 40) + 1;
    const x = Array.from({ length: count }, () => Math.floor(random() * 10)).sort((a, b) => a - b);
    const values = x.map(() => (random() < 0.1 ? Number.NaN : random() * 100 - 50));
    const merged = merge(seriesOf(x, values));
    const numbers = values.filter((value) => !Number.isNaN(value));
    expect(new Set(merged.x).size).toBe(merged.x.length);
    expect([merged.x.length, merged.last.length, merged.min.length, merged.max.length]).toEqual(Array.from({ length: 4 }, () => new Set(x).size));
    if (numbers.length > 0) {
      expect(Math.max(...merged.max.filter((value) => !Number.isNaN(value)))).toBe(Math.max(...numbers));
      expect(Math.min(...merged.min.filter((value) => !Number.isNaN(value)))).toBe(Math.min(...numbers));
    }
    expect(merged.last.at(-1)).toBe(values.at(-1));
  }
});

test("what comes live goes to the end; what comes from before does not", () => {
  const series = seriesOf([1, 2], [5, 6]);
  expect(append(series, [2, 3], [9, 1])).toBe(true);
  expect(series).toMatchObject({ x: [1, 2, 3], last: [5, 9, 1], min: [5, 6, 1], max: [5, 9, 1], total: 4 });
  expect(append(series, [1], [0])).toBe(false);
});

test("an average begins at the first value, and NaN is a gap in it", () => {
  expect(smooth([4, 4, 4], 0.9).map((value) => Math.round(value * 1e9) / 1e9)).toEqual([4, 4, 4]);
  expect(smooth([1, Number.NaN, 1], 0.5)).toEqual([1, Number.NaN, 1]);
  expect(smooth([1, 2], 0)).toEqual([1, 2]);
  const [, second = 0] = smooth([0, 10], 0.5);
  expect(second).toBeCloseTo(20 / 3);
});
