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

const signature = (...columns) => JSON.stringify({
  inputs: JSON.stringify(columns.map((name) => ({ name, type: "double", required: true }))),
  outputs: JSON.stringify([{ type: "long", required: true }]),
  params: null,
});

async function version(name, { accuracy = 0.9, columns = ["age"] } = {}) {
  const runId = await record(server, { experiment: "registry", name: `train-${accuracy}`, params: { depth: accuracy * 10 }, metrics: { accuracy: [accuracy] } });
  const input = { name, source: "s3://models/x", runId, createModel: true, signature: signature(...columns) };
  return (await server.query(`mutation($input: CreateModelVersionInput!) { createModelVersion(input: $input) { version } }`, { input })).createModelVersion.version;
}

async function done(page) {
  assert.deepEqual(page.faults, []);
  await page.context().close();
}

test("a model of a run is registered, promoted with a reason, and rolled back, by keyboard", async () => {
  const runId = await record(server, { name: "winner", metrics: { accuracy: [0.97] } });
  for (const name of ["first", "second"]) {
    const { createLoggedModel: { modelId } } = await server.query(`mutation($input: CreateLoggedModelInput!) { createLoggedModel(input: $input) { modelId } }`, { input: { sourceRunId: runId, name } });
    await server.query(`mutation($id: ID!) { finalizeLoggedModel(modelId: $id) { status } }`, { id: modelId });
  }
  const page = await browser.open(`/runs/${runId}`);
  for (const name of ["first", "second"]) {
    await page.goto(`${server.url}/runs/${runId}`);
    await page.getByRole("button", { name: `Register ${name}` }).press("Enter");
    const field = page.getByRole("textbox", { name: "Name of the registered model" });
    await field.fill("digits forest");
    assert.deepEqual(await inaccessible(page), []);
    await field.press("Enter");
    await page.getByRole("heading", { name: "digits forest" }).waitFor();
  }
  for (const [number, reason] of [[1, "the first that is good"], [2, "better on the test set"]]) {
    await page.getByRole("button", { name: `Move version ${number}` }).press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("combobox", { name: "To the stage" }).selectOption("Production");
    await dialog.getByRole("textbox", { name: "Reason" }).fill(reason);
    if (number === 1) assert.deepEqual(await inaccessible(page), []);
    await dialog.getByRole("button", { name: "Move to Production" }).press("Enter");
    await page.getByText(new RegExp(`version ${number} is in Production$`)).waitFor();
  }
  await page.getByRole("region", { name: "History" }).getByText("better on the test set").waitFor();
  await page.getByRole("button", { name: "Roll back…" }).press("Enter");
  await page.getByText("Version 1 comes back into Production.").waitFor();
  await page.getByRole("textbox", { name: "Reason" }).fill("callers see errors");
  await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).press("Enter");
  await page.getByText(/version 1 is in Production$/).waitFor();
  await page.getByRole("region", { name: "History" }).getByText("Version 1 rolled back: Archived → Production").waitFor();
  assert.match(await page.getByRole("region", { name: "History" }).textContent(), /by local:/);
  await page.getByRole("region", { name: "At a time" }).getByRole("button", { name: "Ask" }).press("Enter");
  await page.getByText(/^(Version|Nothing)/).last().waitFor();
  assert.deepEqual(await inaccessible(page), []);
  await keep(page, "model");
  await done(page);
});

test("versions are compared, and the verdict says whether callers break", async () => {
  await version("scorer", { accuracy: 0.8, columns: ["age"] });
  await version("scorer", { accuracy: 0.9, columns: ["age", "income"] });
  await version("scorer", { accuracy: 0.95, columns: ["age", "income"] });
  const page = await browser.open("/models/scorer");
  await page.getByRole("checkbox", { name: "Choose version 1" }).check();
  await page.getByRole("checkbox", { name: "Choose version 2" }).check();
  await page.getByRole("button", { name: "Compare" }).click();
  await page.getByText(/Callers break$/).waitFor();
  await page.getByRole("row", { name: /input income .*breaks/ }).waitFor();
  await page.getByRole("row", { name: "accuracy 0.8 0.9" }).waitFor();
  assert.match(page.url(), /from=1&to=2/);
  assert.deepEqual(await inaccessible(page), []);
  await page.goto(`${server.url}/models/scorer?from=2&to=3`);
  await page.getByText(/Callers do not break/).waitFor();
  await page.setViewportSize({ width: 375, height: 700 });
  assert.equal(await overflows(page), false);
  await done(page);
});

test("a rule is told before the transition, and the list shows what is in production, live", async () => {
  await version("ruled");
  await server.query(`mutation { setModelRule(input: {name: "ruled", stage: "Production", kind: TAG, key: "reviewed"}) { text } }`);
  const page = await browser.open("/models/ruled");
  await page.getByRole("button", { name: "Move version 1" }).click();
  await page.getByRole("combobox", { name: "To the stage" }).selectOption("Production");
  await page.getByRole("dialog").getByRole("alert").getByText(/reviewed/).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.goto(`${server.url}/models?q=rul`);
  await page.getByRole("link", { name: "ruled" }).waitFor();
  await page.getByRole("status").getByText("live").waitFor();
  await server.query(`mutation { setModelVersionTag(name: "ruled", version: 1, key: "reviewed", value: "yes") { version } }`);
  await server.query(`mutation { transitionModelVersionStage(input: {name: "ruled", version: 1, stage: "Production"}) { stage } }`);
  await page.getByRole("row", { name: /ruled .*version 1/ }).waitFor();
  assert.deepEqual(await inaccessible(page), []);
  await done(page);
});
