import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import css from "./Shortcuts.module.css";

const keys: [string, string][] = [
  ["?", "this list"],
  ["/", "to the filter"],
  ["g e", "experiments"],
  ["g r", "runs"],
  ["g m", "models"],
  ["← ↑ → ↓, j k", "move in a table"],
  ["Home End, Ctrl+Home Ctrl+End", "first and last column, first and last row"],
  ["Enter", "open the run; on a heading, sort by it"],
  ["x", "select the run"],
  ["Shift+↑ Shift+↓", "select several runs"],
  ["Esc", "close, or leave a field"],
];

const inField = (target: EventTarget | null): boolean => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName));

/** Shortcuts that work on every page. */
export function useShortcuts(): void {
  const navigate = useNavigate();
  useEffect(() => {
    let going = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (inField(event.target)) {
        if (event.key === "Escape") (event.target as HTMLElement).blur();
        return;
      }
      if (event.key === "/") {
        const filter = document.querySelector<HTMLElement>("[data-filter]");
        if (filter) {
          event.preventDefault();
          filter.focus();
        }
        return;
      }
      if (event.key === "?") {
        document.querySelector<HTMLElement>("[data-shortcuts]")?.click();
        return;
      }
      const chord = event.timeStamp - going < 1200;
      going = event.key === "g" ? event.timeStamp : Number.NEGATIVE_INFINITY;
      if (!chord) return;
      if (event.key === "e") navigate({ to: "/" });
      if (event.key === "r") navigate({ to: "/runs" });
      if (event.key === "m") navigate({ to: "/models" });
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [navigate]);
}

export function Shortcuts() {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button type="button" className="plain" data-shortcuts aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={() => dialog.current?.showModal()}>
        <span aria-hidden="true">?</span>
      </button>
      <dialog ref={dialog} className={css.dialog} aria-labelledby="shortcutsTitle">
        <h2 id="shortcutsTitle">Keyboard shortcuts</h2>
        <dl className={css.keys}>
          {keys.map(([key, meaning]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{meaning}</dd></div>)}
        </dl>
        <form method="dialog"><button type="submit">Close</button></form>
      </dialog>
    </>
  );
}
