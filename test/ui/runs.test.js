import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { inaccessible, keep, overflows, startBrowser, startProxy, startServer } from "./harness.js";
import { log, record } from "./record.js";

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

const grid = (page) => page.getByRole("grid");
const names = (page) => grid(page).locator('[role=gridcell][aria-colindex="1"] a').allTextContents();
const row = (page, name) => grid(page).getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
const idOf = async (experiment) => (await server.query(`query($name: String!) { experiment(name: $name) { experimentId } }`, { name: experiment })).experiment.experimentId;

async function openRuns(experiment, search = "", options = {}) {
  const page = await browser.open(`/experiments/${await idOf(experiment)}${search}`, options);
  await grid(page).waitFor();
  return page;
}

async function done(page) {
  assert.deepEqual(page.faults, []);
  await page.context().close();
}

test("an empty server says how to record the first run", async () => {
  const page = await browser.open("/");
  await page.getByRole("heading", { name: "No run yet" }).waitFor();
  assert.match(await page.locator("pre").textContent(), /cairn exec --server http:\/\/127\.0\.0\.1:\d+ --/);
  assert.deepEqual(await inaccessible(page), []);
  await done(page);
});

test("experiments are listed, searched and ordered; their counts are live", async () => {
  await record(server, { experiment: "alpha" });
  await record(server, { experiment: "beta", status: "FAILED" });
  const page = await browser.open("/?sort=name");
  const list = page.getByRole("table");
  await list.getByRole("link", { name: "beta" }).waitFor();
  assert.deepEqual(await list.getByRole("link").allTextContents(), ["Default", "alpha", "beta"]);
  assert.deepEqual(await inaccessible(page), []);
  await keep(page, "experiments");

  await page.getByRole("status").getByText("live").waitFor();
  await record(server, { experiment: "alpha", status: null });
  await list.getByRole("row", { name: /^alpha 2 ▶ 1/ }).waitFor();

  await page.getByRole("searchbox").fill("BET");
  await list.getByRole("link", { name: "alpha" }).waitFor({ state: "detached" });
  assert.match(page.url(), /q=BET/);
  await page.setViewportSize({ width: 375, height: 700 });
  assert.equal(await overflows(page), false);
  await page.getByRole("link", { name: "beta" }).click();
  await page.getByRole("heading", { name: "beta" }).waitFor();
  await page.goBack();
  await list.getByRole("link", { name: "beta" }).waitFor();
  assert.equal(await page.getByRole("searchbox").inputValue(), "BET");
  await done(page);
});

test("runs are sorted by any metric, filtered, and the whole view is in the address", async () => {
  for (const [index, accuracy] of [0.81, 0.97, 0.9].entries()) {
    await record(server, { experiment: "forests", name: `forest-${index}`, params: { max_depth: 3 * (index + 1), seed: 7 }, metrics: { accuracy: [accuracy - 0.3, accuracy + 0.01, accuracy] } });
  }
  const page = await openRuns("forests");
  assert.deepEqual(await names(page), ["forest-2", "forest-1", "forest-0"], "newest first");
  await page.getByRole("button", { name: "accuracy" }).click();
  await page.waitForFunction(() => document.querySelector('[role=gridcell][aria-colindex="1"] a')?.textContent === "forest-1");
  assert.deepEqual(await names(page), ["forest-1", "forest-2", "forest-0"]);
  assert.equal(await page.getByRole("columnheader", { name: /accuracy/ }).getAttribute("aria-sort"), "descending");

  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("group", { name: "Values of accuracy" }).getByRole("button", { name: "min" }).click();
  await page.getByRole("columnheader", { name: "min accuracy" }).waitFor();
  assert.match(await row(page, "forest-1").textContent(), /0\.67/);
  await page.getByRole("searchbox", { name: "Search columns" }).fill("seed");
  await page.getByRole("region", { name: "All columns" }).getByText("max_depth").waitFor({ state: "detached" });
  await page.getByRole("checkbox", { name: /^seed/ }).uncheck();
  await page.getByRole("columnheader", { name: "seed" }).waitFor({ state: "detached" });
  assert.deepEqual(await inaccessible(page), []);
  await page.keyboard.press("Escape");

  const filter = page.getByRole("combobox", { name: "Filter" });
  await filter.fill("params.max_depth > 3");
  await filter.press("Enter");
  await row(page, "forest-0").waitFor({ state: "detached" });
  await page.getByText("2 runs").waitFor();

  const again = await browser.open(page.url().slice(server.url.length));
  await row(again, "forest-2").waitFor();
  assert.deepEqual(await names(again), ["forest-1", "forest-2"]);
  await again.getByRole("columnheader", { name: "min accuracy" }).waitFor();
  assert.equal(await again.getByRole("columnheader", { name: "seed" }).count(), 0);
  await done(again);
  await done(page);
});

test("a filter is completed by keyboard, and an error is shown at its place", async () => {
  const page = await openRuns("forests");
  await page.keyboard.press("/");
  const filter = page.getByRole("combobox", { name: "Filter" });
  await filter.pressSequentially("accu");
  await page.getByRole("option", { name: "metrics.accuracy" }).waitFor();
  await filter.press("ArrowDown");
  await filter.press("Enter");
  assert.equal(await filter.inputValue(), "metrics.accuracy ");
  await filter.pressSequentially("> 0.95 AND depht = 1");
  await filter.press("Enter");
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").textContent(), /At character 29: unknown attribute depht/);
  assert.equal(await page.locator("mark").textContent(), "depht = 1");
  assert.deepEqual(await inaccessible(page), []);
  await filter.fill("metrics.accuracy > 0.95");
  await filter.press("Enter");
  await row(page, "forest-1").waitFor();
  assert.deepEqual(await names(page), ["forest-1"]);
  await done(page);
});

test("runs appear, change and go while the page is open, each where the order has it", async () => {
  await record(server, { experiment: "live", name: "first", metrics: { loss: [2] } });
  const page = await openRuns("live", "?sort=metrics.loss+ASC&col=status&col=metrics.loss");
  await page.getByRole("status").getByText("live").waitFor();
  const runId = await record(server, { experiment: "live", name: "second", metrics: { loss: [3] }, status: null });
  await row(page, "second").waitFor();
  assert.deepEqual(await names(page), ["first", "second"]);
  await log(server, runId, { loss: [1] }, { first: 1 });
  await page.waitForFunction(() => document.querySelector('[role=gridcell][aria-colindex="1"] a')?.textContent === "second");
  await server.query(`mutation { finishRun(input: {runId: "${runId}", status: FAILED, reason: "out of memory"}) { status } }`);
  await row(page, "second").getByText("failed").waitFor();
  await server.query(`mutation { deleteRun(runId: "${runId}") { runId } }`);
  await row(page, "second").waitFor({ state: "detached" });
  await page.getByText("1 run", { exact: true }).waitFor();
  await done(page);
});

test("thousands of runs are one table, of which the page holds what is in view", async () => {
  const count = 1200;
  const { createExperiment: { experimentId } } = await server.query(`mutation { createExperiment(input: {name: "many"}) { experimentId } }`);
  for (let begin = 0; begin < count; begin += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, index) => server.query(
      `mutation($run: CreateRunInput!) { createRun(input: $run) { runId } }`,
      { run: { experimentId, name: `many-${String(begin + index).padStart(4, "0")}` } },
    )));
  }
  const page = await openRuns("many", "?sort=run_name+ASC");
  await page.getByText("1,200 runs").waitFor();
  assert.equal(await grid(page).getAttribute("aria-rowcount"), "1201");
  await grid(page).focus();
  await page.keyboard.press("Control+End");
  await page.getByRole("link", { name: "many-1199" }).waitFor();
  assert.ok(await page.locator("*").count() < 2500);
  await page.keyboard.press("Control+Home");
  await page.getByRole("link", { name: "many-0000" }).waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
  const lines = (await readFile(await file.path(), "utf8")).trim().split("\r\n");
  assert.equal(lines.length, count + 1);
  assert.match(lines[1], /^[0-9a-f]{32},many-0000,/);
  await done(page);
});

test("by keyboard alone a run is found, selected, deleted, brought back and opened", async () => {
  const page = await openRuns("forests", "?sort=metrics.accuracy+DESC");
  await grid(page).focus();
  await page.keyboard.press("x");
  await page.getByRole("toolbar", { name: "Selected runs" }).getByText("1 selected").waitFor();
  await page.keyboard.press("Shift+ArrowDown");
  await page.getByText("2 selected").waitFor();
  await page.keyboard.press("x");
  await page.getByText("1 selected").waitFor();
  const remove = page.getByRole("button", { name: "Delete", exact: true });
  await remove.focus();
  await page.keyboard.press("Enter");
  await row(page, "forest-1").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo" }).focus();
  await page.keyboard.press("Enter");
  await row(page, "forest-1").waitFor();
  await grid(page).focus();
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("ArrowRight");
  assert.equal(await grid(page).getAttribute("aria-activedescendant"), "cell-0-1");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "forest-1" }).waitFor();
  await done(page);
});

test("a baseline shows how the others differ; only what differs is shown", async () => {
  const page = await openRuns("forests", "?sort=metrics.accuracy+DESC");
  await row(page, "forest-0").getByRole("checkbox").check();
  await page.getByRole("button", { name: "Make it the baseline" }).click();
  await row(page, "forest-0").getByText("baseline").waitFor();
  assert.match(await row(page, "forest-1").textContent(), /0\.97\+0\.16/);
  await page.getByRole("button", { name: "Only differing" }).click();
  await page.getByRole("columnheader", { name: "seed" }).waitFor({ state: "detached" });
  await page.getByRole("columnheader", { name: "max_depth" }).waitFor();
  assert.deepEqual(await inaccessible(page), []);
  await keep(page, "runs");
  await page.setViewportSize({ width: 375, height: 700 });
  assert.equal(await overflows(page), false);
  assert.deepEqual(await inaccessible(page), []);
  await done(page);
});

test("names that are markup, or any letters at all, are shown as text", async () => {
  await record(server, { experiment: "<b>bold</b>", name: "<img src=x onerror=alert(1)>", params: { 学习率: "0.1", "a b/c": "<script>alert(1)</script>" }, metrics: { "学习率/å": [1, "NaN"], inf: ["Infinity"] } });
  const page = await openRuns("<b>bold</b>");
  await row(page, "<img src=x onerror=alert(1)>").waitFor();
  assert.equal(await page.locator("main img, main b, main script").count(), 0);
  await page.getByRole("button", { name: "学习率" }).first().click();
  await page.getByRole("link", { name: "<img src=x onerror=alert(1)>" }).click();
  await page.getByRole("heading", { name: "<img src=x onerror=alert(1)>" }).waitFor();
  assert.equal(await page.locator("main img, main b, main script").count(), 0);
  await done(page);
});

test("below a proxy's prefix everything works, from every page", async () => {
  const proxy = await startProxy(server, "/ml/cairn");
  const through = await startBrowser({ url: proxy.url });
  try {
    const page = await through.open(`/experiments/${await idOf("forests")}`);
    await row(page, "forest-1").waitFor();
    await page.getByRole("status").getByText("live").waitFor();
    await page.getByRole("link", { name: "forest-1" }).click();
    await page.getByRole("heading", { name: "forest-1" }).waitFor();
    assert.match(page.url(), /\/ml\/cairn\/runs\/[0-9a-f]{32}$/);
    await page.reload();
    await page.getByRole("heading", { name: "forest-1" }).waitFor();
    await page.getByRole("link", { name: "GraphQL" }).click();
    await page.getByRole("searchbox", { name: "Search the schema" }).waitFor();
    await page.getByRole("link", { name: "Experiments" }).click();
    await page.getByRole("link", { name: "forests" }).waitFor();
    await done(page);
  } finally {
    await through.close();
    await proxy.stop();
  }
});

test("colours are the system's, or as chosen, also after a reload", async () => {
  const page = await browser.open("/", { colorScheme: "dark" });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.getByRole("button", { name: "Colours: system" }).click();
  assert.notEqual(await ground(), dark);
  await page.reload();
  assert.notEqual(await ground(), dark);
  await page.getByRole("button", { name: "Colours: light" }).click();
  assert.equal(await ground(), dark);
  await done(page);
});

// The last test: from here on the server asks everybody for a token.
test("a server with tokens asks for one, and a viewer is offered no change", async () => {
  const admin = (await server.query('mutation { createToken(input: {name: "boss", role: ADMIN}) { secret } }')).createToken.secret;
  const viewer = (await server.query('mutation { createToken(input: {name: "reader", role: VIEWER}) { secret } }', {}, admin)).createToken.secret;
  const experiments = (await server.query(`{ experiment(name: "forests") { experimentId } }`, {}, admin)).experiment.experimentId;
  const page = await browser.open(`/experiments/${experiments}`);
  await page.getByLabel("This server asks for a token").waitFor();
  assert.deepEqual(await inaccessible(page), []);
  await page.keyboard.insertText(viewer);
  await page.keyboard.press("Enter");
  await row(page, "forest-1").getByRole("checkbox").check();
  await page.getByText("1 selected").waitFor();
  assert.equal(await page.getByRole("button", { name: "Delete", exact: true }).count(), 0);
  await page.getByRole("status").getByText("live").waitFor();
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes("cairn_")), false, "a secret is not kept");
  assert.ok(!page.url().includes("cairn_"));
  await done(page);
});
