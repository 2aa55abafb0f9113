import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { inaccessible, keep, overflows, startBrowser, startServer } from "./harness.js";
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

const chart = (page, name) => page.getByRole("group", { name: new RegExp(`^${name}, `) });

async function done(page) {
  assert.deepEqual(page.faults, []);
  await page.context().close();
}

async function put(runId, path, content) {
  const answer = await fetch(`${server.url}/artifacts/${runId}/${path}`, { method: "PUT", body: content });
  assert.equal(answer.status, 201);
}

test("the overview has params, metrics, inputs and children, and follows the run", async () => {
  const runId = await record(server, { name: "parent", params: { lr: 0.1, text: "x".repeat(6000) }, metrics: { loss: [3, 1, 2], "nan only": ["NaN"] }, status: null });
  await record(server, { name: "child", parent: runId });
  const page = await browser.open(`/runs/${runId}`);
  await page.getByRole("heading", { name: "parent" }).waitFor();
  await page.getByRole("region", { name: "Table of metrics" }).getByRole("row", { name: "loss 2 1 3 3" }).waitFor();
  await page.getByRole("region", { name: "Table of metrics" }).getByRole("row", { name: "nan only NaN" }).waitFor();
  await page.getByRole("region", { name: "Children" }).getByRole("link", { name: "child" }).waitFor();
  await page.getByRole("button", { name: "all 6,000 characters" }).click();
  await page.getByText("x".repeat(6000)).waitFor();
  await page.getByRole("status").getByText("live").waitFor();
  await log(server, runId, { loss: [0.5] }, { first: 3 });
  await page.getByRole("row", { name: "loss 0.5 0.5 3 4" }).waitFor();
  await server.query(`mutation { finishRun(input: {runId: "${runId}", status: FAILED, reason: "out of memory"}) { status } }`);
  await page.getByText("out of memory").waitFor();
  assert.deepEqual(await inaccessible(page), []);
  await page.setViewportSize({ width: 375, height: 700 });
  assert.equal(await overflows(page), false);
  await page.getByRole("link", { name: "child" }).click();
  await page.getByRole("heading", { name: "child" }).waitFor();
  await page.getByRole("link", { name: "parent" }).waitFor();
  await done(page);
});

test("tags and the note are written where they are shown", async () => {
  const runId = await record(server, { name: "noted", tags: { team: "vision" } });
  const page = await browser.open(`/runs/${runId}`);
  await page.getByRole("textbox", { name: "Key" }).fill("stage");
  await page.getByRole("textbox", { name: "Value" }).fill("<b>trial</b>");
  await page.keyboard.press("Enter");
  await page.getByText("<b>trial</b>").waitFor();
  await page.getByRole("button", { name: "Delete the tag team" }).click();
  await page.getByText("vision").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Write" }).click();
  await page.getByRole("textbox", { name: "Note" }).fill("The best so far.");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("region", { name: "Note" }).locator("p").getByText("The best so far.").waitFor();
  const { run } = await server.query(`{ run(id: "${runId}") { tags { key value } } }`);
  assert.deepEqual(run.tags.filter(({ key }) => !key.startsWith("mlflow.run")), [{ key: "mlflow.note.content", value: "The best so far." }, { key: "stage", value: "<b>trial</b>" }]);
  await done(page);
});

test("charts move while the training runs", async () => {
  const runId = await record(server, { name: "training", metrics: { "train/loss": [1, 0.8], accuracy: [0.1] }, status: null });
  const page = await browser.open(`/runs/${runId}?tab=metrics`);
  await chart(page, "loss").waitFor();
  await page.getByRole("heading", { name: "train", exact: true }).waitFor();
  assert.match(await chart(page, "loss").getAttribute("aria-label"), /^loss, 2 points, from 0\.8 to 1\. Last: 0\.8\./);
  await page.getByRole("status").getByText("live").waitFor();
  await log(server, runId, { "train/loss": [0.6, 7, 0.4] }, { first: 2 });
  await page.getByRole("group", { name: /^loss, 5 points, from 0\.4 to 7\. Last: 0\.4\./ }).waitFor();
  await log(server, runId, { "new metric": [1] });
  await chart(page, "new metric").waitFor();
  // A point from before: the chart asks again, and stands in order.
  await log(server, runId, { "train/loss": [-3] }, { first: 1 });
  await page.getByRole("group", { name: /^loss, 6 points, from -3 to 7\. Last: 0\.4\./ }).waitFor();
  assert.deepEqual(await inaccessible(page), []);
  await keep(page, "live-charts");
  await done(page);
});

test("a long series is drawn in buckets that keep each spike, and exactly where it is zoomed", async () => {
  const values = Array.from({ length: 20_000 }, (_, index) => (index === 7777 ? 1000 : Math.sin(index / 500)));
  const runId = await record(server, { name: "long" });
  for (let first = 0; first < values.length; first += 1000) await log(server, runId, { spiky: values.slice(first, first + 1000) }, { first });
  const page = await browser.open(`/runs/${runId}?tab=metrics`);
  assert.match(await chart(page, "spiky").getAttribute("aria-label"), /^spiky, 20,000 points, from -1 to 1000\./);
  await page.getByText(/^1 of \d/).waitFor();
  const box = await chart(page, "spiky").boundingBox();
  await page.mouse.move(box.x + box.width * 0.4, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.42, box.y + 60, { steps: 4 });
  await page.mouse.up();
  await page.getByText("exact", { exact: true }).waitFor();
  assert.match(page.url(), /x=\d[\d.]*\.\.\d/);
  await page.getByRole("button", { name: "Show the whole range" }).click();
  await page.getByText(/^1 of \d/).waitFor();

  await chart(page, "spiky").focus();
  await page.keyboard.press("Home");
  await page.getByRole("group", { name: /^spiky, .* step 0: / }).waitFor();
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("+");
  await page.getByRole("button", { name: "Show the whole range" }).waitFor();
  await page.keyboard.press("0");
  await page.getByRole("button", { name: "Show the whole range" }).waitFor({ state: "detached" });
  await page.getByRole("combobox", { name: "along" }).selectOption("since start");
  await page.getByRole("checkbox", { name: "logarithmic" }).check();
  await page.getByRole("slider", { name: /smoothed/ }).fill("0.9");
  assert.match(page.url(), /axis=relative/);
  assert.match(page.url(), /smooth=0\.9/);
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save spiky as PNG" }).click()]);
  assert.equal((await readFile(await file.path())).subarray(1, 4).toString(), "PNG");
  await done(page);
});

test("series that cannot be drawn say why", async () => {
  const runId = await record(server, { metrics: { nan: ["NaN", "NaN"], inf: ["Infinity"], minus: [-1, -2] } });
  const page = await browser.open(`/runs/${runId}?tab=metrics&log=1`);
  await page.getByText("every value is NaN").waitFor();
  await page.getByText("every value is infinite or NaN").waitFor();
  await page.getByText("no value above 0 for a logarithmic axis").waitFor();
  await done(page);
});

test("a run with very many metrics asks only for the charts in view", async () => {
  const runId = await record(server, {});
  const metrics = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`layer/${String(index).padStart(4, "0")}`, [index]]));
  await log(server, runId, metrics);
  const page = await browser.open("/");
  const asked = [];
  page.on("request", (request) => {
    const body = request.postDataJSON?.();
    if (body?.query?.includes("metricSeries(")) asked.push(...body.variables.keys);
  });
  await page.goto(`${server.url}/runs/${runId}?tab=metrics`);
  await chart(page, "0000").waitFor();
  assert.ok(asked.length < 60, `${asked.length} charts asked`);
  await page.getByRole("searchbox", { name: "Metrics that begin with" }).fill("layer/2999");
  await page.getByRole("group", { name: /^layer\/2999, 1 point/ }).waitFor();
  await done(page);
});

test("console output follows the run", async () => {
  const runId = await record(server, { name: "talks", status: null });
  const write = (text, stream = "STDOUT") => server.query(`mutation($input: AppendRunLogInput!) { appendRunLog(input: $input) }`, { input: { runId, stream, text } });
  await write("first line\n10%\r");
  const page = await browser.open(`/runs/${runId}?tab=log`);
  await page.getByText("first line").waitFor();
  await write("20%\ndone\n");
  await write("\u001b[31mtrouble\u001b[0m\n", "STDERR");
  await page.getByText("trouble", { exact: true }).waitFor();
  assert.equal(await page.getByText("10%").count(), 0);
  await write(Array.from({ length: 3000 }, (_, index) => `epoch ${index}\n`).join(""));
  await page.getByText("epoch 2999").waitFor();
  assert.ok(await page.locator("*").count() < 1000);
  await page.getByRole("searchbox", { name: "Search in the output" }).fill("epoch 1234");
  await page.getByText("1 lines").waitFor();
  assert.deepEqual(await inaccessible(page), []);
  await server.query(`mutation { finishRun(input: {runId: "${runId}"}) { status } }`);
  await page.getByText(/complete$/).waitFor();
  await done(page);
});

test("artifacts are shown by their kind, and no script in them runs", async () => {
  const runId = await record(server, { name: "files" });
  const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  await put(runId, "plots/a.png", pixel);
  await put(runId, "plots/b.png", pixel);
  await put(runId, "table.csv", 'name,score\n"a, b",0.5\n');
  await put(runId, "config.json", '{"a": {"b": [1]}}');
  await put(runId, "notes.txt", "plain <b>text</b>");
  await put(runId, "model.bin", Buffer.from([0, 1, 2]));
  const script = "document.title='taken';top.document.title='taken';top.taken=true";
  await put(runId, "evil.html", `<h1>Report</h1><script>${script}</script><img src=x onerror="${script}">`);
  await put(runId, "evil.svg", `<svg xmlns="http://www.w3.org/2000/svg" onload="${script}"><script>${script}</script></svg>`);
  const page = await browser.open(`/runs/${runId}?tab=artifacts`);
  const files = page.getByRole("navigation", { name: "Files" });
  await files.getByRole("button", { name: "table.csv" }).click();
  await page.getByRole("cell", { name: "a, b" }).waitFor();
  assert.deepEqual(await inaccessible(page), []);
  await files.getByRole("button", { name: "config.json" }).click();
  await page.getByText('"b": [').waitFor();
  await files.getByRole("button", { name: "notes.txt" }).click();
  await page.getByText("plain <b>text</b>").waitFor();
  await files.getByRole("button", { name: "model.bin" }).click();
  await page.getByText("Files of this kind are not shown.").waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
  assert.deepEqual([...await readFile(await file.path())], [0, 1, 2]);
  await files.getByRole("button", { name: "plots/" }).click();
  await files.getByRole("button", { name: "a.png" }).click();
  await page.getByRole("img", { name: "a.png" }).waitFor();
  await page.getByRole("button", { name: "Next image" }).click();
  await page.getByRole("img", { name: "b.png" }).waitFor();
  assert.match(page.url(), /path=plots%2Fb\.png/);
  await page.reload();
  await page.getByRole("img", { name: "b.png" }).waitFor();
  assert.deepEqual(page.faults, []);

  // From here on the policy is expected to refuse: that is what is tested.
  await files.getByRole("button", { name: "evil.svg" }).click();
  await page.getByRole("img", { name: "evil.svg" }).waitFor();
  await files.getByRole("button", { name: "evil.html" }).click();
  await page.frameLocator('iframe[title="evil.html"]').getByRole("heading", { name: "Report" }).waitFor();
  assert.notEqual(await page.title(), "taken");
  assert.equal(await page.evaluate(() => window.taken), undefined);
  await page.setViewportSize({ width: 375, height: 700 });
  assert.equal(await overflows(page), false);
  await page.context().close();
});
