// @vitest-environment node
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const folder = new URL("dist/assets/", import.meta.url);
const size = (name: string): number => gzipSync(readFileSync(new URL(name, folder)), { level: 9 }).length / 1000;
const sum = (names: string[]): number => names.reduce((total, name) => total + size(name), 0);

// What a browser loads, in kB as the server sends it.
test("the files stay within their budget", () => {
  const scripts = readdirSync(folder).filter((name) => name.endsWith(".js"));
  const styles = readdirSync(folder).filter((name) => name.endsWith(".css"));
  const entry = ["index.js", "vendor.js"];
  expect(sum(entry)).toBeLessThan(220);
  expect(sum(styles)).toBeLessThan(15);
  for (const name of scripts.filter((script) => !entry.includes(script))) expect(size(name), name).toBeLessThan(60);
  expect(sum([...scripts, ...styles])).toBeLessThan(700);
});
