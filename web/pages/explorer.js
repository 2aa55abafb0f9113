// The GraphQL explorer: write an operation, run it, read the answer. Nothing comes from another host.

import { addCompletion } from "./completion.js";
import { fieldText, showDocs } from "./docs.js";
import { coloured, colourJSON, createEditor } from "./editor.js";
import { examples } from "./examples.js";
import { keep, showHistory } from "./history.js";
import { format, operationsOf, tokenize, walk } from "./language.js";
import { byId, el, recall, remember, setUpTheme, setUpToken } from "./page.js";
import { loadSchema } from "./schema.js";
import { asCurl, request, subscribe } from "./transport.js";

const draftKey = "cairn.explorer.draft";
const maxEvents = 200;
const maxColouredAnswer = 300_000;

let schema = null;
let running = null;

setUpTheme(byId("theme"));
const token = setUpToken(byId("token"), learnSchema);

const queryEditor = createEditor(byId("queryEditor"), { label: "GraphQL operation", colour: colourGraphQL, onChange: saveDraft, describedBy: "hint" });
const variablesEditor = createEditor(byId("variablesEditor"), { label: "Variables, as JSON", placeholder: "{ }", colour: colourJSON, onChange: saveDraft, describedBy: "hint" });

queryEditor.onKey = shortcuts;
variablesEditor.onKey = shortcuts;
addCompletion(queryEditor, byId("queryEditor"), () => schema);
restoreDraft();
setUpButtons();
learnSchema();
queryEditor.focus();

function shortcuts(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    run();
    return true;
  }
  if (event.code === "KeyF" && event.shiftKey && event.altKey) {
    layOut();
    return true;
  }
  return false;
}

function colourGraphQL(text) {
  const spans = [];
  const known = new Set(["comment", "string", "number", "variable", "keyword", "field", "argument", "type", "constant", "bad"]);
  walk(tokenize(text), schema, (token, role, frame, meaning) => {
    const unknown = role === "field" && schema?.types[frame.type] && !meaning && !token.text.startsWith("__") && !isAlias(text, token);
    if (known.has(role)) spans.push({ class: unknown ? "bad" : role, start: token.start, end: token.end });
  });
  return spans;
}

function isAlias(text, token) {
  return /^\s*:/.test(text.slice(token.end, token.end + 40)) || token.end === queryEditor?.area.selectionEnd;
}

function saveDraft() {
  // Both editors call this while they are made.
  if (queryEditor && variablesEditor) remember(draftKey, JSON.stringify({ query: queryEditor.text(), variables: variablesEditor.text() }));
}

function restoreDraft() {
  let draft = null;
  try { draft = JSON.parse(recall(draftKey) ?? "null"); } catch { /* a damaged draft is none */ }
  load(draft?.query?.trim() ? draft : examples[0]);
}

function load({ query, variables = "" }) {
  queryEditor.set(query);
  variablesEditor.set(variables);
}

function setUpButtons() {
  byId("run").addEventListener("click", run);
  byId("stop").addEventListener("click", () => running?.abort());
  byId("format").addEventListener("click", layOut);
  byId("curl").addEventListener("click", copyCurl);
  for (const [index, example] of examples.entries()) byId("examples").append(el("option", { value: String(index) }, example.name));
  byId("examples").addEventListener("change", (event) => {
    if (event.target.value !== "") load(examples[Number(event.target.value)]);
    event.target.value = "";
    queryEditor.focus();
  });
  for (const name of ["history", "docs"]) {
    const button = byId(`${name}Button`);
    button.addEventListener("click", () => {
      const side = byId(name);
      side.hidden = !side.hidden;
      button.setAttribute("aria-expanded", String(!side.hidden));
      if (name === "history" && !side.hidden) showHistory(side, load);
    });
  }
}

function layOut() {
  queryEditor.replace(0, queryEditor.text().length, format(queryEditor.text()));
}

async function learnSchema() {
  try {
    schema = await loadSchema({ token: token() });
  } catch (error) {
    byId("docs").replaceChildren(el("p", {}, `The schema cannot be read: ${error.message}`));
    return;
  }
  showDocs(byId("docs"), schema, insertField);
  queryEditor.area.dispatchEvent(new Event("input"));
}

/** Writes a field at the caret if it stands among fields of that type; a field of a root type as an operation of its own. */
function insertField(type, field) {
  const { area } = queryEditor;
  const text = area.value;
  const frame = walk(tokenize(text.slice(0, area.selectionStart)), schema).frames.at(-1);
  const operation = Object.keys(schema.root).find((kind) => schema.root[kind] === type.name);
  if (frame?.kind === "selection" && (frame.type === type.name || !operation)) {
    const line = text.slice(text.lastIndexOf("\n", area.selectionStart - 1) + 1, area.selectionStart);
    const indent = line.match(/^ */)[0] + (/\{\s*$/.test(line) ? "  " : "");
    const blank = line.trim() === "";
    queryEditor.replace(area.selectionStart, area.selectionEnd, `${blank ? "" : `\n${indent}`}${fieldText(field, schema, indent)}`);
    return;
  }
  const before = text.trimEnd();
  const written = `${operation ?? "query"} {\n  ${fieldText(field, schema, "  ")}\n}\n`;
  queryEditor.replace(before.length, text.length, `${before ? "\n\n" : ""}${written}`);
}

/** The operation at the caret, with the variables; null when these are not JSON. */
function operationToRun() {
  let variables = {};
  const text = variablesEditor.text().trim();
  if (text) {
    try {
      variables = JSON.parse(text);
    } catch (error) {
      show({ errors: [{ message: `The variables are not JSON: ${error.message}` }] });
      return null;
    }
  }
  const query = queryEditor.text();
  const all = operationsOf(query);
  const caret = queryEditor.area.selectionStart;
  const chosen = all.find((operation) => caret >= operation.start && caret <= operation.end) ?? all[0];
  const body = { query, variables };
  if (chosen?.name) body.operationName = chosen.name;
  return { body, kind: chosen?.kind ?? "query" };
}

async function run() {
  const operation = operationToRun();
  if (!operation) return;
  running?.abort();
  const mine = new AbortController();
  running = mine;
  keep(queryEditor.text(), variablesEditor.text());
  if (!byId("history").hidden) showHistory(byId("history"), load);
  busy(true);
  try {
    if (operation.kind === "subscription") await follow(operation.body, mine.signal);
    else await ask(operation.body, mine.signal);
  } catch (error) {
    if (error.name === "AbortError") tell("stopped");
    else show({ errors: [{ message: `The server cannot be reached: ${error.message}` }] });
  } finally {
    if (running === mine) {
      running = null;
      busy(false);
    }
  }
}

async function ask(body, signal) {
  tell("asking…");
  const { status, milliseconds, bytes, body: answer } = await request(body, { token: token(), signal });
  show(answer);
  tell(`${status} · ${milliseconds.toFixed(0)} ms · ${bytes < 2048 ? `${bytes} B` : `${(bytes / 1024).toFixed(1)} kB`}`);
}

async function follow(body, signal) {
  let count = 0;
  byId("result").replaceChildren(el("p", { class: "quiet" }, "Waiting for the first event…"));
  tell("subscribing…");
  await subscribe(body, {
    token: token(),
    signal,
    onOpen: () => tell("subscribed"),
    onEvent: (event) => {
      if (count === 0) byId("result").replaceChildren();
      count++;
      tell(`subscribed · ${count} ${count === 1 ? "event" : "events"}`);
      const entry = el("div", { class: "event" }, el("span", {}, `${count} · ${new Date().toLocaleTimeString()}`), answerText(event));
      byId("result").prepend(entry);
      if (count > maxEvents) byId("result").lastElementChild.remove();
    },
  });
  tell(`ended · ${count} ${count === 1 ? "event" : "events"}`);
}

function show(answer) {
  byId("result").replaceChildren(answerText(answer));
  if (answer.errors && !answer.data) tell("refused");
}

function answerText(answer) {
  const text = JSON.stringify(answer, null, 2);
  return el("pre", {}, ...coloured(text, text.length > maxColouredAnswer ? [] : colourJSON(text)));
}

function busy(on) {
  byId("stop").hidden = !on;
}

function tell(text) {
  byId("status").textContent = text;
}

async function copyCurl() {
  const operation = operationToRun();
  if (!operation) return;
  const command = asCurl(operation.body, { token: token(), stream: operation.kind === "subscription" });
  try {
    await navigator.clipboard.writeText(command);
    tell("copied");
  } catch {
    // The browser refuses the clipboard outside of https and localhost: show what would have been copied.
    byId("result").replaceChildren(el("pre", {}, command));
    tell("copy it from here");
  }
}
