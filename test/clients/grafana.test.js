// What the Grafana dashboard in docs/examples asks is asked of a real server, and what the Infinity data source would make of the answers
// is made of them: its root selectors are JSONata. Grafana itself is not run.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildSchema, parse, validate } from "graphql";
import jsonata from "jsonata";
import { startServer } from "../ui/harness.js";
import { record } from "../ui/record.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const dashboard = JSON.parse(await readFile(join(root, "docs/examples/grafana/dashboard.json"), "utf8"));
const queries = [
  ...dashboard.templating.list.map((variable) => [`variable ${variable.name}`, variable.query.infinityQuery]),
  ...dashboard.panels.flatMap((panel) => panel.targets.map((target) => [panel.title, target])),
];

let server;
let chosen;

before(async () => {
  server = await startServer();
  const first = await record(server, { name: "first", experiment: "dashboard", metrics: { loss: [3, "NaN", 1], acc: [0.5] } });
  const second = await record(server, { name: "second", experiment: "dashboard", metrics: { loss: [4] }, status: null });
  const { experiment } = await server.query(`{ experiment(name: "dashboard") { experimentId } }`);
  const now = Date.now();
  // As Grafana writes them: of a variable that may have several values, an array, also of one.
  chosen = { experiment: experiment.experimentId, run: [first, second], metric: ["loss"], __from: now - 3_600_000, __to: now + 60_000 };
});

after(() => server?.stop());

/** A text with its variables filled in, as Grafana does it: also `$run`, which in a query and a root selector means something else. */
const filled = (text) => text.replace(/\$(\w+)|\$\{(\w+)(:json)?\}/g, (whole, bare, name, json) => {
  if (bare !== undefined) return bare in chosen ? String(chosen[bare]) : whole;
  assert.ok(name in chosen, `${whole} is no variable`);
  return json ? JSON.stringify(chosen[name]) : String(chosen[name]);
});

/** The rows that a query gives: an object for each, by the names of its columns. */
async function rows(query) {
  assert.equal(query.url, "/graphql");
  const { body_graphql_query: text, body_graphql_variables: variables } = query.url_options;
  const answer = await fetch(server.url + query.url, {
    method: query.url_options.method, headers: { "Content-Type": query.url_options.body_content_type },
    body: JSON.stringify({ query: filled(text), variables: JSON.parse(filled(variables)) }),
  });
  const body = await answer.json();
  assert.equal(body.errors, undefined);
  const found = await jsonata(filled(query.root_selector)).evaluate(body);
  const all = found === undefined ? [] : Array.isArray(found) ? [...found] : [found];
  return all.map((row) => Object.fromEntries(query.columns.map(({ selector, text: name }) => [name, row[selector]])));
}

const query = (name) => queries.find(([title]) => title.startsWith(name))[1];

test("every query is one of the schema's", async () => {
  const schema = buildSchema(await readFile(join(root, "schema.graphql"), "utf8"));
  for (const [title, { url_options: options }] of queries) {
    assert.deepEqual(validate(schema, parse(options.body_graphql_query)).map(String), [], title);
  }
});

test("the variables offer experiments, runs and metrics", async () => {
  const experiments = await rows(query("variable experiment"));
  assert.ok(experiments.some((row) => row.__text === "dashboard" && row.__value === chosen.experiment));
  assert.deepEqual((await rows(query("variable run"))).map((row) => row.__text), ["second (RUNNING)", "first (FINISHED)"]);
  assert.deepEqual((await rows(query("variable metric"))).map((row) => row.__value), ["acc", "loss"]);
});

test("the chart has every point of the chosen metrics with its time", async () => {
  const found = await rows(query("${metric}"));
  const [first, second] = chosen.run.map((run) => `${run.slice(0, 8)} loss`);
  assert.deepEqual(found.map((row) => [row.series, row.value]), [[first, 3], [first, "NaN"], [first, 1], [second, 4]]);
  for (const row of found) assert.ok(Math.abs(Date.parse(row.time) - Date.now()) < 3_600_000);
});

test("the table has a row for each run and metric", async () => {
  const found = await rows(query("Chosen runs"));
  assert.deepEqual(found.map((row) => [row.run, row.metric, row.last, row.least, row.greatest]),
    [["first", "acc", 0.5, 0.5, 0.5], ["first", "loss", 1, 1, 3], ["second", "loss", 4, 4, 4]]);
  assert.deepEqual(found.map((row) => row.id), [chosen.run[0], chosen.run[0], chosen.run[1]]);
});

test("panels and variables name the data source that is provisioned", async () => {
  const provisioned = await readFile(join(root, "docs/examples/grafana/datasource.yaml"), "utf8");
  const [, uid] = provisioned.match(/^ {4}uid: (\S+)/m);
  const [, type] = provisioned.match(/^ {4}type: (\S+)/m);
  const sources = [...dashboard.templating.list, ...dashboard.panels, ...dashboard.panels.flatMap((panel) => panel.targets)];
  for (const { datasource } of sources) assert.deepEqual(datasource, { type, uid });
  const ids = dashboard.panels.map((panel) => panel.id);
  assert.equal(new Set(ids).size, ids.length);
});
