import { expect, test } from "vitest";
import { parseSearch, stringifySearch } from "../search.ts";
import { parseColumn } from "./columns.ts";
import { completions, wordBefore } from "./FilterBox.tsx";
import { csvField } from "./csv.ts";
import { errorPosition, nextSort, orderBy, parseSort, sortText, validateRunsSearch } from "./view.ts";

test("the state of a view survives its address", () => {
  const state = validateRunsSearch({ q: "metrics.`a b` > 1 AND tags.x = '&=#'", sort: "min(metrics.学习率) DESC", col: ["params.a", "metrics.b,c"], differ: "1" });
  expect(validateRunsSearch(parseSearch(stringifySearch({ ...state })))).toEqual(state);
  expect(validateRunsSearch(parseSearch("?col=params.a&sort="))).toMatchObject({ col: ["params.a"], sort: undefined });
});

test("a heading sorts down, up and not at all", () => {
  const metric = parseColumn("metrics.acc");
  const param = parseColumn("params.depth");
  if (!metric || !param) throw new Error("no column");
  const first = nextSort(undefined, metric);
  expect(sortText(first)).toBe("metrics.acc DESC");
  const second = nextSort(first, metric);
  expect(sortText(second)).toBe("metrics.acc ASC");
  expect(nextSort(second, metric)).toBeUndefined();
  expect(sortText(nextSort(second, param))).toBe("params.depth ASC");
  expect(orderBy(parseSort("metrics.val/acc DESC"))).toEqual(["metrics.`val/acc` DESC"]);
  expect(parseSort("duration DESC")).toBeUndefined();
  expect(parseSort("metrics.acc")).toBeUndefined();
});

test("the place of an error is what the server says", () => {
  expect(errorPosition("filter: at 14: expected a value, found the end")).toBe(14);
  expect(errorPosition("the server is away")).toBeUndefined();
});

test("completions are of the word before the cursor", () => {
  expect(wordBefore("a > 1 AND (metrics.lo", 21)).toEqual({ from: 11, word: "metrics.lo" });
  const found = { runs: 1, more: false, keys: [{ kind: "metric" as const, key: "val/loss", runs: 1, min: 0, max: 1 }, { kind: "param" as const, key: "loss", runs: 1, min: null, max: null }] };
  expect(completions("loss", found)).toEqual(["metrics.`val/loss`", "params.loss"]);
  expect(completions("params.l", found)).toEqual(["params.loss"]);
  expect(completions("", found)).toEqual([]);
});

test("CSV holds texts as texts", () => {
  expect([csvField(1.5), csvField("-3"), csvField("=1+1"), csvField('a "b", c'), csvField(undefined), csvField("line\nbreak")]).toEqual(["1.5", "-3", "'=1+1", '"a ""b"", c"', "", '"line\nbreak"']);
});
