import { expect, test } from "vitest";
import { chartView, rangeText } from "./Controls.tsx";

test("a range survives the address", () => {
  for (const range of [[0, 1], [-5.5, 1e12], [1790000000000, 1790000001000]] as [number, number][]) expect(chartView({ x: rangeText(range) }).range).toEqual(range);
  for (const x of ["", "5", "5..1", "a..b", "1..1"]) expect(chartView({ x }).range).toBeUndefined();
});

test("what is not a choice is the default", () => {
  expect(chartView({ axis: "x", smooth: "7", log: "yes" })).toEqual({ axis: "STEP", log: false, smoothing: 0, range: undefined });
  expect(chartView({ axis: "relative", smooth: "0.5", log: "1" })).toMatchObject({ axis: "RELATIVE_TIME", log: true, smoothing: 0.5 });
});
