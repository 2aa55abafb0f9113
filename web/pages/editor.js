// A text editor: a plain textarea, which keeps all that browsers know of typing, over its own text in colours.

import { el } from "./page.js";

const lineHeight = 20;
const padding = { left: 12, top: 10 };
const maxColoured = 200_000;

/** Makes an editor in a container. colour(text) gives [{class, start, end}] in order. */
export function createEditor(container, { label, placeholder = "", colour, onChange = () => {}, describedBy }) {
  const gutter = el("div", { class: "gutter", "aria-hidden": "true" });
  const shown = el("pre", { "aria-hidden": "true" });
  const area = el("textarea", {
    spellcheck: "false", autocapitalize: "off", autocomplete: "off", autocorrect: "off", wrap: "off",
    "aria-label": label, "aria-describedby": describedBy, placeholder,
  });
  container.append(gutter, el("div", { class: "text" }, shown, area));

  let charWidth = 0;
  let leaving = false;
  const editor = { area, text: () => area.value, set, replace, caret, focus: () => area.focus(), onKey: () => false };

  area.addEventListener("input", () => {
    paint();
    onChange();
  });
  area.addEventListener("scroll", () => {
    shown.style.transform = `translate(${-area.scrollLeft}px, ${-area.scrollTop}px)`;
    gutter.scrollTop = area.scrollTop;
  });
  area.addEventListener("keydown", (event) => {
    if (editor.onKey(event)) {
      event.preventDefault();
      return;
    }
    if (event.key === "Tab" && !event.ctrlKey && !event.altKey && !event.metaKey) {
      // Esc first: whoever works by keyboard must be able to leave.
      if (!leaving && !event.shiftKey) {
        event.preventDefault();
        replace(area.selectionStart, area.selectionEnd, "  ");
      }
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      newLine();
    } else if (pairs[event.key] && area.selectionStart === area.selectionEnd && /^[\s)}\]]?$/.test(area.value.charAt(area.selectionEnd))) {
      event.preventDefault();
      replace(area.selectionStart, area.selectionEnd, event.key + pairs[event.key], 1);
    } else if (closing.has(event.key) && area.value.charAt(area.selectionEnd) === event.key && area.selectionStart === area.selectionEnd) {
      event.preventDefault();
      area.selectionStart = area.selectionEnd = area.selectionEnd + 1;
    }
    leaving = event.key === "Escape";
  });
  paint();
  return editor;

  function set(text) {
    area.value = text;
    paint();
    onChange();
  }

  /** Replaces a range as typing would, so that undo knows of it; the caret goes `at` characters into the new text. */
  function replace(start, end, text, at = text.length) {
    area.focus();
    area.setSelectionRange(start, end);
    const typed = text === "" ? document.execCommand("delete") : document.execCommand("insertText", false, text);
    if (!typed) {
      area.setRangeText(text, start, end, "end");
      paint();
      onChange();
    }
    area.setSelectionRange(start + at, start + at);
  }

  function newLine() {
    const { value, selectionStart: start, selectionEnd: end } = area;
    const line = value.slice(value.lastIndexOf("\n", start - 1) + 1, start);
    const indent = line.match(/^ */)[0];
    const opens = /[{([]\s*$/.test(line);
    const between = opens && /^\s*[})\]]/.test(value.slice(end).split("\n")[0]);
    const inner = `\n${indent}${opens ? "  " : ""}`;
    replace(start, end, between ? `${inner}\n${indent}` : inner, inner.length);
  }

  function paint() {
    const text = area.value;
    const lines = text.split("\n").length;
    if (gutter.childElementCount !== lines) {
      gutter.replaceChildren(...Array.from({ length: lines }, (_, index) => el("div", {}, String(index + 1))));
    }
    shown.replaceChildren(...coloured(text, text.length > maxColoured ? [] : colour(text)));
    gutter.scrollTop = area.scrollTop;
  }

  /** Where the caret's character stands, in pixels of the container. */
  function caret(offset) {
    if (!charWidth) {
      const probe = el("span", {}, "0".repeat(50));
      shown.append(probe);
      charWidth = probe.getBoundingClientRect().width / 50;
      probe.remove();
    }
    const before = area.value.slice(0, offset);
    const line = before.split("\n").length - 1;
    const column = before.length - (before.lastIndexOf("\n") + 1);
    return {
      x: gutter.offsetWidth + padding.left + column * charWidth - area.scrollLeft,
      y: padding.top + line * lineHeight - area.scrollTop,
      lineHeight,
    };
  }
}

const pairs = { "{": "}", "(": ")", "[": "]" };
const closing = new Set(Object.values(pairs));

/** A text as nodes, with spans where it has a colour. */
export function coloured(text, spans) {
  const nodes = [];
  let at = 0;
  for (const span of spans) {
    if (span.start > at) nodes.push(text.slice(at, span.start));
    nodes.push(el("span", { class: `t-${span.class}` }, text.slice(span.start, span.end)));
    at = span.end;
  }
  nodes.push(`${text.slice(at)}\n`);
  return nodes;
}

const jsonPattern = /(?<key>"(?:[^"\\\n]|\\.)*"(?=\s*:))|(?<string>"(?:[^"\\\n]|\\.)*")|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<constant>\b(?:true|false|null)\b)/g;

/** Colours of JSON. */
export function colourJSON(text) {
  return [...text.matchAll(jsonPattern)].map((match) => ({
    class: Object.keys(match.groups).find((name) => match.groups[name] !== undefined),
    start: match.index,
    end: match.index + match[0].length,
  }));
}
