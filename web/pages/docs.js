// The schema's documentation: types, their fields, and a click that writes a field into the operation.

import { el } from "./page.js";
import { namedType } from "./language.js";

const maxFound = 80;

/** Shows a schema's documentation in a container; insert(type, field) is called for a field to write. */
export function showDocs(container, schema, insert) {
  const path = [];
  const search = el("input", { type: "search", placeholder: "Search the schema", "aria-label": "Search the schema", oninput: draw });
  const body = el("div");
  container.replaceChildren(el("div", { class: "row" }, search), body);
  draw();

  function go(name) {
    search.value = "";
    path.push(name);
    draw();
    container.scrollTop = 0;
  }

  function draw() {
    const wanted = search.value.trim().toLowerCase();
    if (wanted) body.replaceChildren(...found(wanted));
    else if (path.length === 0) body.replaceChildren(...start());
    else body.replaceChildren(back(), ...typePage(schema.types[path.at(-1)]));
  }

  function back() {
    const to = path.at(-2) ?? "Schema";
    return el("button", { class: "plain", type: "button", onclick: () => { path.pop(); draw(); } }, `← ${to}`);
  }

  function start() {
    const roots = Object.values(schema.root).filter(Boolean);
    const others = Object.values(schema.types).filter((type) => !type.name.startsWith("__") && !roots.includes(type.name));
    return [
      el("h2", {}, "Schema"),
      el("ul", {}, ...roots.map((name) => el("li", { class: "entry" }, el("div", { class: "signature" }, link(name))))),
      el("h2", {}, "Types"),
      el("ul", {}, ...others.sort((a, b) => a.name.localeCompare(b.name)).map((type) => el("li", { class: "entry" },
        el("div", { class: "signature" }, link(type.name), el("span", { class: "hint" }, kinds[type.kind] ?? "")), about(type.description)))),
    ];
  }

  function typePage(type) {
    const parts = [el("h3", {}, type.name), about(type.description)];
    if (type.fields) parts.push(el("ul", {}, ...type.fields.map((field) => entry(type, field, true))));
    if (type.inputFields) parts.push(el("ul", {}, ...type.inputFields.map((field) => entry(type, field, false))));
    if (type.enumValues) parts.push(el("ul", {}, ...type.enumValues.map((value) => el("li", { class: "entry" }, el("div", { class: "signature" }, value.name), about(value.description ?? "")))));
    if (type.possibleTypes?.length) parts.push(el("h2", {}, "Is one of"), el("ul", {}, ...type.possibleTypes.map((of) => el("li", { class: "entry" }, link(of.name)))));
    return parts;
  }

  function entry(type, field, writable) {
    const name = writable
      ? el("button", { class: "link insert", type: "button", title: `Write ${field.name} into the operation`, onclick: () => insert(type, field) }, field.name)
      : el("span", {}, field.name);
    const standard = field.defaultValue == null ? "" : ` = ${field.defaultValue}`;
    return el("li", { class: "entry" },
      el("div", { class: "signature" }, name, ":", link(namedType(field.type), field.typeText), standard),
      ...(field.args ?? []).map((argument) => el("div", { class: "args", title: argument.description }, `${argument.name}: `,
        link(namedType(argument.type), argument.typeText), argument.defaultValue == null ? "" : ` = ${argument.defaultValue}`)),
      about(field.description));
  }

  function found(wanted) {
    const hits = [];
    for (const type of Object.values(schema.types)) {
      if (type.name.startsWith("__")) continue;
      if (type.name.toLowerCase().includes(wanted)) hits.push(el("li", { class: "entry" }, el("div", { class: "signature" }, link(type.name)), about(type.description)));
      for (const field of type.fields ?? type.inputFields ?? []) {
        if (field.name.toLowerCase().includes(wanted)) {
          hits.push(el("li", { class: "entry" }, el("div", { class: "signature" }, link(type.name, `${type.name}.${field.name}`)), about(field.description)));
        }
      }
    }
    const rest = hits.length - maxFound;
    return [el("h2", {}, hits.length === 0 ? "Nothing found" : `${hits.length} found`), el("ul", {}, ...hits.slice(0, maxFound)), rest > 0 ? el("p", {}, `${rest} more: search for more letters.`) : ""];
  }

  function link(name, text = name) {
    return el("button", { class: "link", type: "button", onclick: () => go(name) }, text);
  }
}

const kinds = { SCALAR: "scalar", ENUM: "enum", INPUT_OBJECT: "input", INTERFACE: "interface", UNION: "union" };

/** A description, with what stands in backquotes as code. */
function about(text) {
  if (!text) return "";
  return el("p", {}, ...text.split(/`([^`]+)`/).map((part, index) => (index % 2 ? el("code", {}, part) : part)));
}

/** A field as text to write: with its required arguments, and for an object with the fields that need no more. */
export function fieldText(field, schema, indent = "") {
  const needed = field.args.filter((argument) => argument.type.kind === "NON_NULL" && argument.defaultValue == null);
  const args = needed.length ? `(${needed.map((argument) => `${argument.name}: ${blank(argument, schema)}`).join(", ")})` : "";
  return `${field.name}${args}${selection(namedType(field.type), schema, indent, 0)}`;
}

function blank(argument, schema) {
  const name = namedType(argument.type);
  const type = schema.types[name];
  let list = argument.type;
  while (list && list.kind === "NON_NULL") list = list.ofType;
  const value = type?.kind === "ENUM" ? type.enumValues[0].name
    : type?.kind === "INPUT_OBJECT" ? `{${type.inputFields.filter((field) => field.type.kind === "NON_NULL" && field.defaultValue == null).map((field) => `${field.name}: ${blank(field, schema)}`).join(", ")}}`
    : ["Int", "Float", "Int64", "Step", "MetricValue"].includes(name) ? "0" : name === "Boolean" ? "false" : '""';
  return list?.kind === "LIST" ? `[${value}]` : value;
}

const maxDepth = 3;

function selection(name, schema, indent, depth) {
  const fields = schema.types[name]?.fields;
  if (!fields) return "";
  const inner = `${indent}  `;
  const nested = fields.find((field) => field.name === "edges") ?? fields.find((field) => field.name === "node");
  if (nested && depth < maxDepth) return ` {\n${inner}${nested.name}${selection(namedType(nested.type), schema, inner, depth + 1)}\n${indent}}`;
  const simple = fields.filter((field) => !schema.types[namedType(field.type)]?.fields && field.args.every((argument) => argument.type.kind !== "NON_NULL")).map((field) => field.name);
  return ` {\n${inner}${(simple.length ? simple : ["__typename"]).join(`\n${inner}`)}\n${indent}}`;
}
