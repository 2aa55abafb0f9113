import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
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

async function open(options) {
  const page = await browser.open("/explorer", options);
  await page.getByRole("searchbox", { name: "Search the schema" }).waitFor();
  return page;
}

const operation = (page) => page.getByLabel("GraphQL operation");
const result = (page) => page.getByLabel("Result");

async function write(page, text) {
  await operation(page).fill(text);
}

test("a query runs by keyboard, with variables", async () => {
  const page = await open();
  await write(page, "query Get($name: String!) { experiment(name: $name) { name experimentId } }");
  await page.getByLabel("Variables, as JSON").fill('{"name": "Default"}');
  await operation(page).press("Control+Enter");
  await result(page).getByText('"Default"').waitFor();
  assert.deepEqual(JSON.parse(await result(page).textContent()), { data: { experiment: { name: "Default", experimentId: "0" } } });
  assert.match(await page.getByRole("status").textContent(), /^200 · \d+ ms/);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("a refused query and broken variables say why", async () => {
  const page = await open();
  await write(page, "{ nothingLikeThis }");
  await page.locator("#run").click();
  await result(page).getByText(/nothingLikeThis/).waitFor();
  await page.getByLabel("Variables, as JSON").fill("{oops");
  await page.locator("#run").click();
  await result(page).getByText(/variables are not JSON/).waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("a subscription shows what happens until it is stopped", async () => {
  const page = await open();
  await write(page, "subscription { runsChanged { changes { kind run { name } } } }");
  await page.locator("#run").click();
  await page.getByText(/^subscribed/).waitFor();
  for (const name of ["first", "second"]) {
    await server.query("mutation New($name: String!) { createRun(input: {name: $name}) { runId } }", { name });
    await result(page).getByText(`"${name}"`).first().waitFor();
  }
  await page.locator("#stop").click();
  await page.getByText("stopped").waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("fields and arguments are completed from the schema", async () => {
  const page = await open();
  await write(page, "");
  await operation(page).press("Control+Space");
  assert.deepEqual(await page.locator(".completions [role=option]").evaluateAll((items) => items.map((item) => item.firstChild.textContent)), ["query", "mutation", "subscription", "fragment"]);
  await operation(page).press("Escape");

  await operation(page).pressSequentially("{ experim");
  await page.locator(".completions [role=option]").first().waitFor();
  await operation(page).press("Enter");
  assert.match(await operation(page).inputValue(), /\{ experiment/);

  await write(page, "{ runs(orde");
  await operation(page).press("End");
  await operation(page).press("Control+Space");
  await page.getByRole("listbox", { name: "Completions" }).getByRole("option", { name: /orderBy/ }).waitFor();
  await operation(page).press("Tab");
  assert.equal(await operation(page).inputValue(), "{ runs(orderBy: ");

  await write(page, "{ runs(view: ");
  await operation(page).press("End");
  await operation(page).press("Control+Space");
  await page.getByRole("listbox", { name: "Completions" }).getByRole("option", { name: /DELETED/ }).waitFor();
  await operation(page).press("Escape");

  await write(page, "{ runs { edges { node { exper");
  await operation(page).press("End");
  await operation(page).press("Control+Space");
  await page.getByRole("listbox", { name: "Completions" }).getByRole("option", { name: /experiment/ }).first().waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("docs write a field into the operation, which then runs", async () => {
  const page = await open();
  await write(page, "");
  const docs = page.getByLabel("Schema documentation");
  await docs.getByRole("button", { name: "Query", exact: true }).click();
  await docs.getByRole("button", { name: "viewer", exact: true }).click();
  assert.match(await operation(page).inputValue(), /query \{\n {2}viewer \{\n {4}principal/);
  await page.locator("#run").click();
  await result(page).getByText('"ADMIN"').waitFor();
  await page.getByRole("searchbox").fill("metricSeries");
  await docs.getByRole("button", { name: "Query.metricSeries" }).click();
  await docs.getByRole("heading", { name: "Query" }).waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("every field of the schema can be inserted and is a valid operation", async () => {
  const page = await open();
  const docs = page.getByLabel("Schema documentation");
  await docs.getByRole("button", { name: "Query", exact: true }).click();
  const fields = await docs.locator("button.insert").allTextContents();
  assert.ok(fields.length > 5);
  for (const field of fields) {
    await write(page, "");
    await docs.getByRole("button", { name: field, exact: true }).first().click();
    await page.locator("#run").click();
    await page.getByText(/^(200 ·|refused|4\d\d ·)/).waitFor();
    const answer = JSON.parse(await result(page).textContent());
    for (const error of answer.errors ?? []) assert.doesNotMatch(error.message, /Cannot query field|must have a selection|Syntax Error|Unknown argument|Expected/i, `${field}: ${error.message}`);
  }
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("the draft and the history outlive a reload; the examples run", async () => {
  const page = await open();
  await write(page, "{ viewer { role } }");
  await operation(page).press("Control+Enter");
  await result(page).getByText('"ADMIN"').waitFor();
  await write(page, "{ experiments { totalCount } }");
  await page.reload();
  await page.getByRole("searchbox").waitFor();
  assert.equal(await operation(page).inputValue(), "{ experiments { totalCount } }");
  await page.locator("#historyButton").click();
  await page.getByLabel("History", { exact: true }).getByRole("button", { name: /viewer/ }).click();
  assert.equal(await operation(page).inputValue(), "{ viewer { role } }");

  for (const name of ["The newest runs", "The best runs by a metric", "Experiments", "Record a run"]) {
    await page.getByLabel("Examples").selectOption({ label: name });
    await page.locator("#run").click();
    await page.getByText(/^200 ·/).waitFor();
    assert.equal(JSON.parse(await result(page).textContent()).errors, undefined, name);
  }
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("formatting keeps the meaning, and curl runs what the page runs", async () => {
  const page = await open();
  await write(page, 'query Q($n:Int=3){runs(first:$n,filter:"tags.a = \'{x}\'"){edges{node{runId,again:name ...on Run{status}}}}}');
  await page.getByRole("button", { name: "Format", exact: true }).click();
  assert.equal(await operation(page).inputValue(), `query Q($n: Int = 3) {
  runs(first: $n, filter: "tags.a = '{x}'") {
    edges {
      node {
        runId
        again: name
        ... on Run {
          status
        }
      }
    }
  }
}
`);
  await operation(page).press("Control+Enter");
  await page.getByText(/^200 ·/).waitFor();
  assert.equal(JSON.parse(await result(page).textContent()).errors, undefined);
  await page.getByRole("button", { name: "Copy as curl" }).click();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(command, /^curl 'http:\/\/127\.0\.0\.1:\d+\/graphql'/);
  // A shell splits the command as it would for curl, which need not be installed.
  const words = execFileSync("sh", ["-c", `curl() { printf '%s\\0' "$@"; }\n${command}`], { encoding: "utf8" }).split("\0");
  const answer = await fetch(words[0], { method: "POST", headers: { "Content-Type": words[2].split(": ")[1] }, body: words[4] });
  assert.ok((await answer.json()).data.runs);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("everything is reached by keyboard", async () => {
  const page = await open();
  await operation(page).focus();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "GraphQL operation", "Tab writes blanks");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Variables, as JSON", "Esc, then Tab leaves");
  await page.context().close();
});

test("a server with tokens is explored with one", async () => {
  const secret = (await server.query('mutation { createToken(input: {name: "ui", role: ADMIN}) { secret } }')).createToken.secret;
  const page = await browser.open("/explorer");
  await page.getByText(/schema cannot be read/).waitFor();
  await page.getByLabel("Token").fill(secret);
  await page.getByLabel("Token").press("Enter");
  await page.getByRole("searchbox").waitFor();
  await write(page, "{ viewer { principal } }");
  await page.locator("#run").click();
  await result(page).getByText("token:ui").waitFor();
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes("cairn_")), false, "a secret is not kept");
  assert.deepEqual(page.faults, []);
  await page.context().close();
});
