import { useEffect, useMemo, useState } from "react";
import { count, number } from "../format.ts";
import { SearchField } from "../ui/Field.tsx";
import { type Aggregate, aggregates, attributes, type Column, columnId, type Kind } from "./columns.ts";
import css from "./ColumnsPanel.module.css";
import { type Facet, type Facets, facets } from "./facets.ts";

const mostShown = 300;
const heads: [Kind, string][] = [["attribute", "Attributes"], ["metric", "Metrics"], ["param", "Params"], ["tag", "Tags"]];

export interface ColumnsPanelProps {
  columns: readonly Column[];
  pinned: readonly string[];
  experiments: string[] | null;
  found: Facets | undefined;
  onColumns: (ids: string[]) => void;
  onPinned: (ids: string[]) => void;
  onReset: () => void;
  onClose: () => void;
}

/** Chooses columns among all keys that the runs have, however many: the search asks the server for what more there is. */
export function ColumnsPanel({ columns, pinned, experiments, found, onColumns, onPinned, onReset, onClose }: ColumnsPanelProps) {
  const [text, setText] = useState("");
  const [asked, setAsked] = useState<{ prefix: string; found: Facets }>();
  useEffect(() => {
    let stale = false;
    if (text && found?.more) {
      facets(experiments, text).then((more) => {
        if (!stale) setAsked({ prefix: text, found: more });
      }, () => {});
    }
    return () => {
      stale = true;
    };
  }, [text, found, experiments]);

  const chosen = useMemo(() => new Set(columns.map((column) => column.id)), [columns]);
  const keys = useMemo(() => {
    const all: Facet[] = attributes.filter((attribute) => attribute.key !== "run_name").map((attribute) => ({ kind: "attribute", key: attribute.key, runs: 0, min: null, max: null }));
    const seen = new Set<string>();
    for (const facet of [...(found?.keys ?? []), ...(asked && text.startsWith(asked.prefix) ? asked.found.keys : [])]) {
      const id = columnId(facet.kind, facet.key);
      if (!seen.has(id)) all.push(facet);
      seen.add(id);
    }
    const small = text.toLowerCase();
    return all.filter((facet) => facet.key.toLowerCase().includes(small));
  }, [found, asked, text]);

  const set = (facet: Facet, aggregate: Aggregate, on: boolean) => {
    const id = columnId(facet.kind, facet.key, aggregate);
    onColumns(on ? [...columns.map((column) => column.id), id] : columns.map((column) => column.id).filter((other) => other !== id));
  };
  return (
    <aside
      className={css.panel}
      aria-label="Columns"
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <div className={css.head}>
        <h2>Columns</h2>
        <span className="spring" />
        <button type="button" onClick={onReset}>Reset</button>
        <button type="button" className="plain" aria-label="Close columns" onClick={onClose}>✕</button>
      </div>
      <SearchField label="Search columns" placeholder="Search keys" value={text} onChange={setText} className={css.search} />
      <div className={css.list} tabIndex={0} role="region" aria-label="All columns">
        {heads.map(([kind, head]) => {
          const part = keys.filter((facet) => facet.kind === kind);
          if (part.length === 0) return null;
          return (
            <fieldset key={kind} className={css.group}>
              <legend>{head}</legend>
              {part.slice(0, mostShown).map((facet) => <Choice key={facet.key} facet={facet} chosen={chosen} pinned={pinned} set={set} onPinned={onPinned} />)}
              {part.length > mostShown && <p className="quiet">{count(part.length - mostShown)} more: search for them</p>}
            </fieldset>
          );
        })}
        {found?.more && !text && <p className="quiet">There are more keys: a search finds those that begin with it.</p>}
        {keys.length === 0 && <p className="quiet">No key matches.</p>}
      </div>
    </aside>
  );
}

function Choice({ facet, chosen, pinned, set, onPinned }: {
  facet: Facet;
  chosen: ReadonlySet<string>;
  pinned: readonly string[];
  set: (facet: Facet, aggregate: Aggregate, on: boolean) => void;
  onPinned: (ids: string[]) => void;
}) {
  const id = columnId(facet.kind, facet.key);
  const title = facet.kind === "attribute" ? attributes.find((attribute) => attribute.key === facet.key)?.title : facet.key;
  const range = facet.min !== null && facet.max !== null && facet.kind !== "tag" ? `${number(facet.min, 3)} … ${number(facet.max, 3)}` : "";
  const isPinned = pinned.includes(id);
  return (
    <div className={css.choice}>
      <label>
        <input type="checkbox" checked={chosen.has(id)} onChange={(event) => set(facet, "last", event.target.checked)} />
        <span className={css.key}>{title}</span>
        {facet.runs > 0 && <span className={css.range}>{range || `${count(facet.runs)} runs`}</span>}
      </label>
      {chosen.has(id) && (
        <button type="button" className={css.pin} aria-pressed={isPinned} aria-label={`Pin ${title}`} onClick={() => onPinned(isPinned ? pinned.filter((other) => other !== id) : [...pinned, id])}>pin</button>
      )}
      {facet.kind === "metric" && (
        <span className={css.more} role="group" aria-label={`Values of ${facet.key}`}>
          {aggregates.filter((aggregate) => aggregate !== "last").map((aggregate) => {
            const on = chosen.has(columnId("metric", facet.key, aggregate));
            return <button key={aggregate} type="button" aria-pressed={on} onClick={() => set(facet, aggregate, !on)}>{aggregate}</button>;
          })}
        </span>
      )}
    </div>
  );
}
