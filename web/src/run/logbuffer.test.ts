import { expect, test } from "vitest";
import { LogBuffer } from "./logbuffer.ts";

const linesOf = (pieces: [string, boolean?][], most?: number) => {
  const buffer = new LogBuffer(most);
  for (const [text, error = false] of pieces) buffer.add(text, error);
  return buffer.lines.map((line) => (line.error ? `! ${line.text}` : line.text));
};

test("lines are whole whatever pieces they come in", () => {
  expect(linesOf([["a"], ["b\nc\n"], ["\n"], ["d"]])).toEqual(["ab", "c", "", "d"]);
  expect(linesOf([["one "], ["oops\n", true], ["line\r\n"]])).toEqual(["one line", "! oops"]);
});

test("a progress bar is one line", () => {
  expect(linesOf([["10%\r20%\r"], ["30%"], ["\r\n"], ["done\n"]])).toEqual(["30%", "done"]);
});

test("colours are left out, also where a piece ends within one", () => {
  expect(linesOf([["\u001b[31mred\u001b[0m \u001b"], ["[1mbold\u001b]8;;x\u0007\n"]])).toEqual(["red bold"]);
});

test("what is kept is bounded, and says so", () => {
  const buffer = new LogBuffer(100);
  for (let index = 0; index < 1000; index++) buffer.add(`${index}\n`, false);
  expect(buffer.lines.length).toBeLessThanOrEqual(110);
  expect(buffer.dropped + buffer.lines.length).toBe(1000);
  expect(buffer.lines.at(-1)?.text).toBe("999");
});
