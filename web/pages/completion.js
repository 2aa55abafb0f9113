// The list that offers what may be written at the caret.

import { el } from "./page.js";
import { complete } from "./language.js";

const maxShown = 60;
const listWidth = 460;
const listHeight = 250;

/** Adds completion to an editor; schema() may give null while it is not there yet. */
export function addCompletion(editor, container, schema) {
  const list = el("ul", { class: "completions", role: "listbox", id: "completions", "aria-label": "Completions", hidden: true });
  container.append(list);
  const { area } = editor;
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", "completions");
  let offer = null;
  let chosen = 0;

  area.addEventListener("input", (event) => {
    if (!event.inputType?.startsWith("insert")) close();
    else if (/[\w$]/.test(area.value.charAt(area.selectionStart - 1))) open();
    else close();
  });
  area.addEventListener("blur", close);
  area.addEventListener("scroll", close);
  area.addEventListener("click", close);

  const before = editor.onKey;
  editor.onKey = (event) => {
    if (event.key === " " && event.ctrlKey) {
      open();
      return true;
    }
    if (!offer) return before(event);
    switch (event.key) {
      case "ArrowDown": choose(chosen + 1); return true;
      case "ArrowUp": choose(chosen - 1); return true;
      case "Enter":
      case "Tab":
        if (event.shiftKey || event.ctrlKey || event.metaKey) return before(event);
        accept(offer.choices[chosen]);
        return true;
      case "Escape": close(); return true;
      case "ArrowLeft":
      case "ArrowRight": close(); return false;
      default: return before(event);
    }
  };

  function open() {
    const known = schema();
    if (!known) return;
    const found = complete(area.value, area.selectionStart, known);
    found.choices = found.choices.slice(0, maxShown);
    const alone = found.choices.length === 1 && found.choices[0].name === found.prefix;
    if (found.choices.length === 0 || alone) {
      close();
      return;
    }
    offer = found;
    list.replaceChildren(...found.choices.map((choice, index) => el("li", {
      role: "option", id: `completion-${index}`,
      onmousedown: (event) => {
        event.preventDefault();
        accept(choice);
      },
    }, choice.name, el("span", { class: "of" }, choice.type))));
    list.hidden = false;
    const at = editor.caret(found.start);
    const below = at.y + at.lineHeight;
    list.style.left = `${Math.max(4, Math.min(at.x, container.clientWidth - listWidth))}px`;
    list.style.top = below + listHeight > container.clientHeight && at.y > listHeight ? `${at.y - Math.min(listHeight, list.offsetHeight)}px` : `${below}px`;
    choose(0);
  }

  function choose(index) {
    chosen = (index + offer.choices.length) % offer.choices.length;
    list.querySelector(".about")?.remove();
    list.querySelectorAll("[role=option]").forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
    const item = document.getElementById(`completion-${chosen}`);
    const { about } = offer.choices[chosen];
    if (about) item.after(el("li", { class: "about", role: "presentation" }, about));
    item.scrollIntoView({ block: "nearest" });
    area.setAttribute("aria-activedescendant", item.id);
  }

  function accept(choice) {
    const { start, prefix } = offer;
    close();
    editor.replace(start, start + prefix.length, choice.insert ?? choice.name);
    close();
  }

  function close() {
    offer = null;
    list.hidden = true;
    area.removeAttribute("aria-activedescendant");
  }
}
