// The list of runs: a search, more on demand, and changes as they happen.

import { byId, el, setUpTheme, setUpToken } from "./page.js";
import { query, subscribe } from "./transport.js";

const pageSize = 50;
const shownPairs = 4;
// A browser opens six connections to a host over all its tabs; a stream that failed waits before it takes one again.
const retryMilliseconds = 5000;

const runFields = `fragment Row on Run {
  runId name status statusReason startTime endTime
  experiment { experimentId name }
  params { key value }
  metrics { key role last { value } }
}`;
const listQuery = `query Runs($experiments: [ID!], $filter: String, $orderBy: [String!], $first: Int, $after: String) {
  runs(experiments: $experiments, filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    edges { node { ...Row } }
    pageInfo { hasNextPage endCursor }
  }
} ${runFields}`;
const experimentsQuery = `query Experiments { experiments(first: 1000, orderBy: {field: NAME}) { edges { node { experimentId name } } } }`;
const changesSubscription = `subscription Changes($experiments: [ID!], $filter: String, $after: String) {
  runsChanged(experiments: $experiments, filter: $filter, after: $after) { cursor changes { kind runId run { ...Row } } }
} ${runFields}`;

const rows = new Map();
let endCursor = null;
let asked = 0;
let stream = new AbortController();

setUpTheme(byId("theme"));
const token = setUpToken(byId("token"), () => start());
byId("how").textContent = `cairn exec --server ${location.origin} -- python train.py`;
byId("filters").addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
byId("experiment").addEventListener("change", () => search());
byId("more").addEventListener("click", () => load(false));

function criteria() {
  const experiment = byId("experiment").value;
  const order = byId("order").value.trim();
  return {
    experiments: experiment ? [experiment] : null,
    filter: byId("filter").value.trim() || null,
    orderBy: order ? order.split(",").map((term) => term.trim()) : null,
  };
}

function tell(problem) {
  byId("problem").textContent = problem;
  byId("problem").hidden = !problem;
}

async function start() {
  try {
    const { experiments } = await query(experimentsQuery, {}, { token: token() });
    const select = byId("experiment");
    const chosen = select.value;
    select.replaceChildren(el("option", { value: "" }, "All experiments"),
      ...experiments.edges.map(({ node }) => el("option", { value: node.experimentId }, node.name)));
    select.value = chosen;
  } catch (error) {
    tell(error.message);
    return;
  }
  await search();
}

async function search() {
  endCursor = null;
  // Following begins before the list is asked for: a change in between is in one of the two, or in both.
  follow();
  await load(true);
}

/** Loads a page; gives whether it was shown. An answer that a newer question overtook is dropped. */
async function load(fresh) {
  const question = ++asked;
  const before = new Map(rows);
  let page;
  try {
    page = (await query(listQuery, { ...criteria(), first: pageSize, after: endCursor }, { token: token() })).runs;
  } catch (error) {
    if (question === asked) tell(error.message);
    return false;
  }
  if (question !== asked) return false;
  tell("");
  if (fresh) {
    for (const [runId, row] of before) {
      if (rows.get(runId) === row) remove(runId);
    }
  }
  // A row that is there now and was not, or not the same, came live while the page was under way, and is newer.
  for (const { node } of page.edges) {
    if (!rows.has(node.runId) || rows.get(node.runId) === before.get(node.runId)) put(node, false);
  }
  endCursor = page.pageInfo.endCursor;
  byId("more").hidden = !page.pageInfo.hasNextPage;
  count();
  return true;
}

function count() {
  byId("table").hidden = rows.size === 0;
  byId("empty").hidden = rows.size > 0 || Boolean(byId("filter").value.trim());
  const more = byId("more").hidden ? "" : ", there are more";
  byId("count").textContent = rows.size === 1 ? `1 run${more}` : `${rows.size} runs${more}`;
}

/** Shows a run in its row; a new one that came live stands first. */
function put(run, live) {
  const row = draw(run);
  const old = rows.get(run.runId);
  if (old) old.replaceWith(row);
  else if (live) byId("rows").prepend(row);
  else byId("rows").append(row);
  if (live) row.classList.add("changed");
  rows.set(run.runId, row);
}

function draw(run) {
  const results = run.metrics.filter((metric) => metric.role === "RESULT");
  const id = el("button", { class: "id plain", type: "button", title: "Copy the run id", onclick: () => navigator.clipboard?.writeText(run.runId) }, run.runId);
  return el("tr", {},
    el("td", { class: "name" }, run.name, id),
    el("td", {}, run.experiment.name),
    el("td", {}, el("span", { class: `status ${run.status}`, title: run.statusReason }, run.status.toLowerCase())),
    el("td", { class: "time" }, moment(run.startTime)),
    el("td", { class: "time" }, run.endTime ? duration(new Date(run.endTime) - new Date(run.startTime)) : ""),
    el("td", { class: "values" }, pairs(results.map((metric) => [metric.key, number(metric.last.value)]))),
    el("td", { class: "values" }, pairs(run.params.map((param) => [param.key, param.value]))));
}

function pairs(all) {
  const list = el("ul", { class: "pairs" });
  for (const [key, value] of all.slice(0, shownPairs)) {
    list.append(el("li", { title: `${key} = ${value}` }, `${key} `, el("b", {}, value)));
  }
  const rest = all.slice(shownPairs);
  if (rest.length > 0) {
    list.append(el("li", { class: "more", title: rest.map(([key, value]) => `${key} = ${value}`).join("\n") }, `${rest.length} more`));
  }
  return list;
}

function number(value) {
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));
}

function moment(text) {
  return new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

function duration(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(0, milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Follows the changes of what the search matches; after a break it goes on from the last cursor. */
async function follow() {
  stream.abort();
  stream = new AbortController();
  const { signal } = stream;
  const { experiments, filter } = criteria();
  let after = null;
  while (!signal.aborted) {
    try {
      await subscribe({ query: changesSubscription, variables: { experiments, filter, after } }, {
        token: token(),
        signal,
        onOpen: () => isLive(true),
        onEvent: (event) => {
          if (!event.data?.runsChanged) return;
          after = event.data.runsChanged.cursor;
          for (const change of event.data.runsChanged.changes) {
            if (change.run) put(change.run, true);
            else remove(change.runId);
          }
          count();
        },
      });
    } catch {
      // Aborted, or the server is away: the loop decides which.
    }
    isLive(false);
    await new Promise((resume) => {
      setTimeout(resume, retryMilliseconds);
      signal.addEventListener("abort", resume, { once: true });
    });
  }
}

function isLive(on) {
  byId("live").classList.toggle("on", on);
  byId("live").textContent = on ? "live" : "not live";
}

function remove(runId) {
  rows.get(runId)?.remove();
  rows.delete(runId);
}

start();
