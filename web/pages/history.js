// What was run before, kept in the browser.

import { el, recall, remember } from "./page.js";

const key = "cairn.explorer.history";
const maxKept = 50;

function past() {
  try {
    const kept = JSON.parse(recall(key) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

/** Keeps an operation; one that was run before moves to the front. */
export function keep(query, variables) {
  const others = past().filter((entry) => entry.query !== query || entry.variables !== variables);
  remember(key, JSON.stringify([{ query, variables, at: Date.now() }, ...others].slice(0, maxKept)));
}

/** Shows what was kept; open(entry) is called for the one that is chosen. */
export function showHistory(container, open) {
  const kept = past();
  container.replaceChildren(
    el("div", { class: "row" }, el("h2", {}, "History"), el("span", { class: "spring" }),
      el("button", { class: "plain", type: "button", disabled: kept.length === 0, onclick: () => { remember(key, "[]"); showHistory(container, open); } }, "Clear")),
    kept.length === 0 ? el("p", {}, "Nothing was run yet.") : "",
    ...kept.map((entry) => el("button", { class: "past", type: "button", onclick: () => open(entry) },
      el("span", { class: "when" }, new Date(entry.at).toLocaleString()), entry.query.trim())));
}
