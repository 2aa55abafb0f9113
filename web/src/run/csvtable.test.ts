import { expect, test } from "vitest";
import { parseTable } from "./csvtable.ts";

test("fields in quotes hold separators, quotes and line ends", () => {
  expect(parseTable('a,b\r\n"x, ""y""\nz",2\n\n3', ",").rows).toEqual([["a", "b"], ['x, "y"\nz', "2"], [""], ["3"]]);
  expect(parseTable("a\tb\n1\t", "\t").rows).toEqual([["a", "b"], ["1", ""]]);
});

test("a long table is cut, and says so", () => {
  expect(parseTable("1\n2\n3\n", ",", 2)).toEqual({ rows: [["1"], ["2"]], cut: true });
  expect(parseTable("1\n2\n", ",", 2).cut).toBe(false);
});
