import { expect, test } from "vitest";
import { dimension } from "./dimensions.ts";

test("numbers stand by their size, texts by their order, and what is missing nowhere", () => {
  expect(dimension("params.lr", "lr", ["0.1", "0.3", null, "0.2"]).places.map((place) => place && Number(place.toFixed(6)))).toEqual([0, 1, undefined, 0.5]);
  expect(dimension("params.opt", "opt", ["sgd", "adam", "sgd", ""]).places).toEqual([1, 0, 1, undefined]);
  expect(dimension("metrics.x", "x", [1, "NaN", "Infinity", 3]).places).toEqual([0, undefined, undefined, 1]);
  expect(dimension("metrics.x", "x", [2, 2]).places).toEqual([0.5, 0.5]);
  expect(dimension("params.mixed", "mixed", ["1", "auto"]).ticks.map((tick) => tick.text)).toEqual(["1", "auto"]);
});
