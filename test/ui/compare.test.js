import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inaccessible, keep, overflows, startBrowser, startServer } from "./harness.js";
import { record } from "./record.js";

let server;
let browser;

before(async () => {
  server = await startServer();
  browser = await startBrowser(server);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function done(page) {
  assert.deepEqual(page.faults, []);
  await page.context().close();
}

async function candidates(count = 5) {
  const runs = [];
  for (let index = 0; index < count; index++) {
    runs.push(await record(server, {
      experiment: "search", name: `candidate-${index}`, params: { C: 10 ** (index - 2), kernel: index % 2 ? "rbf" : "linear", seed: 7 },
      metrics: { score: [0.1, 0.4 + index / 10], loss: [2, 1 - index / 10] },
    }));
  }
  return runs;
}

test("a search's candidates are selected, compared, and the best found", async () => {
  await candidates();
  const { experiment } = await server.query(`{ experiment(name: "search") { experimentId } }`);
  const page = await browser.open(`/experiments/${experiment.experimentId}?sort=metrics.score+DESC`);
  await page.getByRole("grid").focus();
  await page.keyboard.press("x");
  await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("Shift+ArrowDown");
  await page.getByText("3 selected").waitFor();
  await page.getByRole("link", { name: "Compare" }).press("Enter");
  await page.getByRole("heading", { name: "3 runs compared" }).waitFor();
  const table = page.getByRole("table");
  await table.getByRole("row", { name: /^score 0\.8 0\.7 ?-?−?0\.1/ }).waitFor();
  assert.deepEqual((await table.getByRole("columnheader").allTextContents()).slice(1).map((text) => text.replace(/✓.*/, "").trim()), ["candidate-4", "candidate-3", "candidate-2"]);
  assert.equal(await table.getByRole("rowheader", { name: "seed" }).count(), 0);
  await page.getByRole("checkbox", { name: "also what is the same" }).check();
  await table.getByRole("rowheader", { name: "seed" }).waitFor();
  assert.deepEqual(await inaccessible(page), []);
  await keep(page, "compare");
  await page.setViewportSize({ width: 375, height: 700 });
  assert.equal(await overflows(page), false);
  await done(page);
});

test("runs lie over each other in a chart, told apart", async () => {
  const runs = await candidates(3);
  const page = await browser.open(`/compare?${runs.map((run) => `run=${run}`).join("&")}&tab=charts`);
  await page.getByRole("group", { name: /^score, 6 points, from 0\.1 to 0\.6\. Last: candidate-0: 0\.4, candidate-1: 0\.5, candidate-2: 0\.6/ }).waitFor();
  assert.equal(await page.locator("figure").first().getByRole("listitem").count(), 3);
  assert.deepEqual(await inaccessible(page), []);
  await keep(page, "overlays");
  await done(page);
});

test("parallel coordinates pick runs by dragging along an axis", async () => {
  const runs = await candidates(5);
  const page = await browser.open(`/compare?${runs.map((run) => `run=${run}`).join("&")}&tab=parallel`);
  const svg = page.getByRole("img", { name: /^5 runs across C, kernel, loss, score/ });
  await svg.waitFor();
  const box = await svg.boundingBox();
  // The last axis, score: its upper quarter.
  const x = box.x + 90 + 3 * 150;
  await page.mouse.move(x, box.y + 45);
  await page.mouse.down();
  await page.mouse.move(x, box.y + 45 + 80, { steps: 5 });
  await page.mouse.up();
  await page.getByText("1 of 5 runs").waitFor();
  await page.getByRole("link", { name: "candidate-4" }).waitFor();
  await page.getByRole("checkbox", { name: "kernel" }).uncheck();
  await page.getByRole("img", { name: /^5 runs across C, loss, score/ }).waitFor();
  assert.match(page.url(), /dim=params\.C/);
  assert.deepEqual(await inaccessible(page), []);
  await done(page);
});

test("a hundred runs are one chart", async () => {
  const runs = [];
  for (let begin = 0; begin < 100; begin += 20) {
    runs.push(...await Promise.all(Array.from({ length: 20 }, (_, index) => record(server, { experiment: "hundred", name: `run-${begin + index}`, metrics: { loss: [begin + index, 1, 0] } }))));
  }
  const page = await browser.open(`/compare?${runs.map((run) => `run=${run}`).join("&")}&tab=charts`);
  await page.getByRole("group", { name: /^loss, 300 points, from 0 to 99\./ }).waitFor();
  await done(page);
});
