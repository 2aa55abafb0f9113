import { expect, test } from "vitest";
import { columnId, expression, group, parseColumn, shortTitle } from "./columns.ts";

test("a column's name is what the filter language calls it, whatever its key", () => {
  for (const key of ["loss", "val/loss", "学习率", "a b", "min(x)", "a`b", "x) DESC", "params.x"]) {
    for (const kind of ["metric", "param", "tag"] as const) {
      const column = parseColumn(columnId(kind, key));
      expect(column).toMatchObject({ kind, key, aggregate: "last" });
    }
    for (const aggregate of ["min", "max", "best"] as const) expect(parseColumn(columnId("metric", key, aggregate))).toMatchObject({ kind: "metric", key, aggregate });
  }
  expect(parseColumn("nothing")).toBeUndefined();
  expect(parseColumn("min(params.x)")).toBeUndefined();
  expect(parseColumn("metrics.")).toBeUndefined();
});

test("odd keys are quoted in orders", () => {
  const of = (id: string) => expression(parseColumn(id) as NonNullable<ReturnType<typeof parseColumn>>);
  expect(of("metrics.val.loss")).toBe("metrics.val.loss");
  expect(of("min(metrics.val/loss)")).toBe("min(metrics.`val/loss`)");
  expect(of("params.a`b")).toBe("params.`a``b`");
  expect(of("status")).toBe("status");
});

test("headings are a tree by slashes and dots", () => {
  const column = parseColumn("max(metrics.val/top.5)");
  expect(column && [group(column), shortTitle(column)]).toEqual(["Metrics · val/top", "max 5"]);
  const odd = parseColumn("params./x/");
  expect(odd && [group(odd), shortTitle(odd)]).toEqual(["Params · /x", "/x/"]);
});
