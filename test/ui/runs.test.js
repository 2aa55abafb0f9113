import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startBrowser, startServer } from "./harness.js";

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

const record = `mutation Record($run: CreateRunInput!) { createRun(input: $run) { runId } }`;
const log = `mutation Log($batch: LogBatchInput!) { logBatch(input: $batch) { stored } }`;

async function makeRun(name, { experiment = "digits", depth = "3", accuracy } = {}) {
  const { createRun: { runId } } = await server.query(record, { run: { experimentName: experiment, name } });
  const metrics = accuracy === undefined ? [] : [{ key: "accuracy", value: accuracy, step: 1 }];
  await server.query(log, { batch: { runId, params: [{ key: "max_depth", value: depth }], metrics } });
  return runId;
}

test("an empty server says how to record the first run", async () => {
  const page = await browser.open("/");
  await page.getByText("No run yet").waitFor();
  assert.match(await page.locator("#how").textContent(), /cairn exec --server http/);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("runs are listed, searched and ordered, and appear while the page is open", async () => {
  await makeRun("shallow", { depth: "3", accuracy: 0.81 });
  await makeRun("deep", { depth: "9", accuracy: 0.97 });
  const page = await browser.open("/");
  const names = page.locator("tbody td.name");
  await page.locator("tbody tr").nth(1).waitFor();
  assert.deepEqual((await names.evaluateAll((cells) => cells.map((cell) => cell.firstChild.textContent))), ["deep", "shallow"]);
  assert.match(await page.locator("tbody tr").first().textContent(), /accuracy 0\.97.*max_depth 9/);

  await page.locator("#live.on").waitFor();
  const live = await makeRun("made while watching", { accuracy: "NaN" });
  await page.getByText(live).waitFor();
  await page.locator("tbody tr", { hasText: live }).getByText("accuracy NaN").waitFor();
  await server.query(`mutation { finishRun(input: {runId: "${live}"}) { status } }`);
  await page.locator("tbody tr", { hasText: live }).getByText("finished").waitFor();

  await page.getByLabel("Filter").fill("metrics.accuracy > 0.5");
  await page.getByLabel("Order").fill("metrics.accuracy ASC");
  await page.getByRole("button", { name: "Search" }).click();
  await page.locator("tbody tr", { hasText: live }).waitFor({ state: "detached" });
  assert.deepEqual((await names.evaluateAll((cells) => cells.map((cell) => cell.firstChild.textContent))), ["shallow", "deep"]);

  await page.getByLabel("Filter").fill("metrics.accuracy >");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").textContent(), /filter/);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("a name that is markup is shown as text", async () => {
  await makeRun("<img src=x onerror=alert(1)>", { experiment: "<b>bold</b>" });
  const page = await browser.open("/");
  await page.getByText("<img src=x onerror=alert(1)>").waitFor();
  assert.equal(await page.locator("tbody img").count(), 0);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("long lists come page by page", async () => {
  for (let index = 0; index < 55; index++) await makeRun(`many-${index}`, { experiment: "many" });
  const page = await browser.open("/");
  await page.getByLabel("Experiment").selectOption({ label: "many" });
  await page.getByText("50 runs, there are more").waitFor();
  await page.getByRole("button", { name: "Show more" }).click();
  await page.getByText("55 runs", { exact: true }).waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});
