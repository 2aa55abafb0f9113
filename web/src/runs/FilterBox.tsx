import { type KeyboardEvent, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { ApiError } from "../api/client.ts";
import { attributes, columnId, expression, parseColumn } from "./columns.ts";
import css from "./FilterBox.module.css";
import type { Facets } from "./facets.ts";
import { errorPosition } from "./view.ts";

const mostOffered = 12;
const keywords = ["AND", "OR", "NOT", "IN (", "LIKE '%%'", "ILIKE '%%'", "IS NULL", "IS NOT NULL"];

/** The word that the cursor stands behind, from where a name may begin. */
export function wordBefore(text: string, cursor: number): { from: number; word: string } {
  const before = text.slice(0, cursor);
  const found = /[^\s()<>=!,]*$/.exec(before);
  return { from: cursor - (found?.[0].length ?? 0), word: found?.[0] ?? "" };
}

/** What may stand where a word is being typed. */
export function completions(word: string, found: Facets | undefined): string[] {
  const small = word.toLowerCase();
  if (!small) return [];
  const names = [
    ...(found?.keys ?? []).map((facet) => parseColumn(columnId(facet.kind, facet.key))).filter((column) => column !== undefined).map(expression),
    ...attributes.filter((attribute) => attribute.sortable).map((attribute) => attribute.key),
    "experiment_id", "parent_run_id", "dataset.name", "dataset.digest",
    ...keywords,
  ];
  const begins = names.filter((name) => name.toLowerCase().startsWith(small));
  const holds = names.filter((name) => !name.toLowerCase().startsWith(small) && name.toLowerCase().includes(small));
  return [...begins, ...holds].filter((name) => name !== word).slice(0, mostOffered);
}

/** The filter: completed from what the runs have, checked by the server, which says where it is wrong. */
export function FilterBox({ value, onChange, problem, found }: { value: string; onChange: (value: string) => void; problem: ApiError | undefined; found: Facets | undefined }) {
  const [text, setText] = useState(value);
  const [cursor, setCursor] = useState<number>();
  const [chosen, setChosen] = useState(-1);
  const field = useRef<HTMLInputElement>(null);
  const place = useRef<number>(undefined);
  const id = useId();
  useEffect(() => setText(value), [value]);

  // Before the next key comes, the cursor stands behind what was taken.
  useLayoutEffect(() => {
    if (place.current !== undefined) field.current?.setSelectionRange(place.current, place.current);
    place.current = undefined;
  });

  const { from, word } = wordBefore(text, cursor ?? 0);
  const offered = useMemo(() => (cursor === undefined ? [] : completions(word, found)), [cursor, word, found]);
  const close = () => {
    setCursor(undefined);
    setChosen(-1);
  };
  const take = (name: string) => {
    const next = `${text.slice(0, from)}${name}${text.slice(cursor ?? from).replace(/^\s?/, " ")}`;
    setText(next);
    close();
    const at = from + name.length + (name.endsWith("'") ? -2 : name.endsWith("(") ? 0 : 1);
    place.current = at;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" && offered.length > 0) setChosen((chosen + 1) % offered.length);
    else if (event.key === "ArrowUp" && offered.length > 0) setChosen((chosen + offered.length - 1) % offered.length);
    else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0 && offered[chosen]) take(offered[chosen]);
    else if (event.key === "Escape" && cursor !== undefined && offered.length > 0) {
      close();
      event.stopPropagation();
    } else if (event.key === "Enter") {
      close();
      onChange(text.trim());
      return;
    } else return;
    event.preventDefault();
  };

  // Positions are of what was sent, so they are shown while it stands there unchanged.
  const position = problem && problem.field === "filter" && text.trim() === value ? errorPosition(problem.message) : undefined;
  const characters = [...text];
  const shownProblem = problem && text.trim() === value ? problem.message.replace(/^filter: (at \d+: )?/, "") : "";
  return (
    <div className={css.box}>
      <input
        ref={field}
        data-filter
        className={css.field}
        type="text"
        role="combobox"
        aria-label="Filter"
        aria-expanded={offered.length > 0}
        aria-controls={`${id}-list`}
        aria-activedescendant={chosen >= 0 ? `${id}-${chosen}` : undefined}
        aria-autocomplete="list"
        aria-invalid={shownProblem !== ""}
        aria-describedby={shownProblem ? `${id}-problem` : undefined}
        placeholder="metrics.accuracy > 0.9 AND params.max_depth = 3"
        value={text}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => {
          setText(event.target.value);
          setCursor(event.target.selectionStart ?? event.target.value.length);
          setChosen(-1);
        }}
        onKeyDown={onKeyDown}
        onBlur={() => {
          close();
          if (text.trim() !== value) onChange(text.trim());
        }}
      />
      <ul id={`${id}-list`} role="listbox" aria-label="Completions" className={css.list} hidden={offered.length === 0}>
        {offered.map((name, index) => (
          <li
            key={name}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === chosen}
            onMouseDown={(event) => {
              event.preventDefault();
              take(name);
            }}
          >
            {name}
          </li>
        ))}
      </ul>
      {shownProblem && (
        <div id={`${id}-problem`} role="alert" className={css.problem}>
          {position !== undefined && (
            <pre className={css.where} aria-hidden="true">{characters.slice(0, position - 1).join("")}<mark>{characters.slice(position - 1).join("") || " "}</mark></pre>
          )}
          {position !== undefined && <span>At character {position}: </span>}
          {shownProblem}
        </div>
      )}
    </div>
  );
}
