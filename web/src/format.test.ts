import { expect, test } from "vitest";
import { bytes, duration, number, toNumber } from "./format.ts";
import { float64s, int64s } from "./api/unpack.ts";

test("numbers are short and never wrong about their kind", () => {
  expect([0, 1, -2.5, 0.123456789, 1e-7, 123456789012, 1234567.891, "NaN", "Infinity", "-Infinity", null].map((value) => number(value)))
    .toEqual(["0", "1", "-2.5", "0.12346", "1e-7", "123456789012", "1234600", "NaN", "∞", "−∞", ""]);
  expect(toNumber("-Infinity")).toBe(Number.NEGATIVE_INFINITY);
});

test("durations and sizes", () => {
  expect([-5, 12, 1500, 61_000, 3_700_000, 90_000_000].map(duration)).toEqual(["0 ms", "12 ms", "1.5 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
  expect([0, 1023, 1536, 5_000_000_000].map(bytes)).toEqual(["0 B", "1023 B", "1.5 KiB", "4.66 GiB"]);
});

test("packed columns keep NaN and infinities", () => {
  const pack = (array: Float64Array | BigInt64Array) => btoa(String.fromCharCode(...new Uint8Array(array.buffer)));
  expect(float64s(pack(new Float64Array([1.5, Number.NaN, Number.NEGATIVE_INFINITY])))).toEqual([1.5, Number.NaN, Number.NEGATIVE_INFINITY]);
  expect(int64s(pack(new BigInt64Array([-7n, 2500n])), 1000)).toEqual([-0.007, 2.5]);
  expect(float64s("")).toEqual([]);
});
