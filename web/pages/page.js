// What the page is made of: the theme, the token, and building elements without markup in strings.

const themeKey = "cairn.theme";
const tokenKey = "cairn.token";

/** Makes an element: el("button", {class: "primary", onclick: run}, "Run"). */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Storage that a browser may refuse; the page works without it. */
export function recall(key, store = localStorage) {
  try { return store.getItem(key); } catch { return null; }
}

export function remember(key, value, store = localStorage) {
  try { store.setItem(key, value); } catch { /* full or refused: nothing is remembered */ }
}

export function setUpTheme(button) {
  const apply = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
  };
  apply(recall(themeKey));
  button.addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    apply(dark ? "light" : "dark");
    remember(themeKey, dark ? "light" : "dark");
  });
}

/** The token lives as long as the tab: a secret does not belong in storage that stays. */
export function setUpToken(input, changed) {
  input.value = recall(tokenKey, sessionStorage) ?? "";
  input.addEventListener("change", () => {
    remember(tokenKey, input.value.trim(), sessionStorage);
    changed();
  });
  return () => input.value.trim();
}
