import { useState } from "react";

type Theme = "system" | "light" | "dark";
const key = "cairn.theme";
const next: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const signs: Record<Theme, string> = { system: "◐", light: "☀", dark: "☾" };

function current(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "system";
}

function apply(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem(key);
    else localStorage.setItem(key, theme);
  } catch {
    // Refused: it holds until the page is left.
  }
  // Charts draw with colours that they read once.
  dispatchEvent(new Event("cairn-theme"));
}

export function ThemeButton() {
  const [theme, setTheme] = useState(current);
  return (
    <button
      type="button"
      className="plain"
      aria-label={`Colours: ${theme}`}
      title={`Colours: ${theme}. Click for ${next[theme]}`}
      onClick={() => {
        apply(next[theme]);
        setTheme(next[theme]);
      }}
    >
      <span aria-hidden="true">{signs[theme]}</span>
    </button>
  );
}
