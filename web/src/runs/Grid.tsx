import { useVirtualizer } from "@tanstack/react-virtual";
import { Link, useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, memo, type MouseEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { ago, moment, number, signed, toNumber, type Value } from "../format.ts";
import { RunStatus } from "../ui/RunStatus.tsx";
import { type Column, expression, group, isNumeric, shortTitle, sortable, title, width } from "./columns.ts";
import css from "./Grid.module.css";
import type { RunRow } from "./runlist.ts";
import type { Sort } from "./view.ts";

const rowHeight = 32;
const headHeight = 56;
const checkWidth = 36;
const nameWidth = 230;
const narrowNameWidth = 150;
const deltaWidth = 56;

interface Place {
  column: Column;
  index: number;
  left: number;
  width: number;
}

export interface GridProps {
  rows: readonly RunRow[];
  /** How many rows there are in all; those that are not loaded show as lines. */
  total: number;
  columns: readonly Column[];
  pinned: readonly string[];
  sort: Sort | undefined;
  onSort: (column: Column) => void;
  selected: ReadonlySet<string>;
  onSelect: (selected: Set<string>) => void;
  changed: ReadonlySet<string>;
  need: (index: number) => void;
  base: RunRow | undefined;
  label: string;
}

/** The runs table: rows and columns are in the page only while they are in view. One stop for Tab; arrows move within. */
export function Grid(props: GridProps) {
  const { rows, total, columns, pinned, sort, onSort, selected, onSelect, need } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const navigate = useNavigate();
  const [active, setActive] = useState({ row: 0, column: 0 });
  const [anchor, setAnchor] = useState(0);
  const narrow = useNarrow(scroller);
  const hasBase = props.base !== undefined;
  const name = narrow ? narrowNameWidth : nameWidth;

  const { fixed, free, freeLeft, fullWidth } = useMemo(() => {
    const order = [...columns.filter((column) => pinned.includes(column.id)), ...columns.filter((column) => !pinned.includes(column.id))];
    let left = checkWidth + name;
    const places = order.map((column, index): Place => {
      // Beside a baseline a metric shows by how much it differs, too.
      const place = { column, index: index + 1, left, width: width(column) + (hasBase && isNumeric(column) ? deltaWidth : 0) };
      left += place.width;
      return place;
    });
    const stay = narrow ? 0 : order.filter((column) => pinned.includes(column.id)).length;
    return { fixed: places.slice(0, stay), free: places.slice(stay), freeLeft: places[stay]?.left ?? left, fullWidth: left };
  }, [columns, pinned, name, narrow, hasBase]);

  const vertical = useVirtualizer({ count: total, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 8, scrollMargin: 0, scrollPaddingStart: headHeight });
  const horizontal = useVirtualizer({ horizontal: true, count: free.length, getScrollElement: () => scroller.current, estimateSize: (index) => free[index]?.width ?? 100, overscan: 2, paddingStart: freeLeft, scrollPaddingStart: freeLeft });
  useEffect(() => horizontal.measure(), [horizontal, free]);

  const virtualRows = vertical.getVirtualItems();
  const virtualColumns = horizontal.getVirtualItems();
  const firstColumn = virtualColumns[0]?.index ?? 0;
  const lastColumn = virtualColumns.at(-1)?.index ?? -1;
  const shown = useMemo(() => [...fixed, ...free.slice(firstColumn, lastColumn + 1)], [fixed, free, firstColumn, lastColumn]);
  const lastRow = virtualRows.at(-1)?.index ?? 0;
  useEffect(() => need(lastRow), [need, lastRow, rows]);

  const columnCount = columns.length + 1;
  const move = useCallback((row: number, column: number) => {
    const to = { row: Math.max(-1, Math.min(total - 1, row)), column: Math.max(0, Math.min(columnCount - 1, column)) };
    setActive(to);
    if (to.row >= 0) vertical.scrollToIndex(to.row, { align: "auto" });
    const at = to.column - 1 - fixed.length;
    if (at >= 0) horizontal.scrollToIndex(at, { align: "auto" });
    return to;
  }, [total, columnCount, vertical, horizontal, fixed.length]);

  const toggle = useCallback((index: number, range: boolean) => {
    const next = new Set(selected);
    const row = rows[index];
    if (!row) return;
    if (range) {
      for (let at = Math.min(anchor, index); at <= Math.max(anchor, index); at++) {
        const between = rows[at];
        if (between) next.add(between.run.runId);
      }
    } else if (!next.delete(row.run.runId)) next.add(row.run.runId);
    setAnchor(index);
    onSelect(next);
  }, [rows, selected, onSelect, anchor]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.metaKey || event.target !== event.currentTarget) return;
    const page = Math.max(1, Math.floor(((scroller.current?.clientHeight ?? 400) - headHeight) / rowHeight) - 1);
    const { row, column } = active;
    const steps: Record<string, () => unknown> = {
      ArrowDown: () => move(row + 1, column),
      ArrowUp: () => move(row - 1, column),
      j: () => move(row + 1, column),
      k: () => move(row - 1, column),
      ArrowRight: () => move(row, column + 1),
      ArrowLeft: () => move(row, column - 1),
      PageDown: () => move(row + page, column),
      PageUp: () => move(Math.max(0, row - page), column),
      Home: () => move(event.ctrlKey ? 0 : row, 0),
      End: () => move(event.ctrlKey ? total - 1 : row, event.ctrlKey ? column : columnCount - 1),
      x: () => toggle(row, false),
      " ": () => toggle(row, event.shiftKey),
      Enter: () => {
        const place = [...fixed, ...free][column - 1];
        if (row < 0) {
          if (!place) onSort({ id: "run_name", kind: "attribute", key: "run_name", aggregate: "last" });
          else if (sortable(place.column)) onSort(place.column);
        } else if (rows[row]) navigate({ to: "/runs/$runId", params: { runId: rows[row].run.runId } });
      },
    };
    const step = steps[event.key];
    if (!step || (event.ctrlKey && event.key.length === 1)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.shiftKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const to = move(row + (event.key === "ArrowDown" ? 1 : -1), column);
      const next = new Set(selected);
      for (const at of [row, to.row]) {
        const one = rows[at];
        if (one) next.add(one.run.runId);
      }
      onSelect(next);
      return;
    }
    step();
  };

  const activeId = active.row < total ? cellId(active.row, active.column) : undefined;
  return (
    // A grid has one stop for Tab, itself: what is active within is told by aria-activedescendant.
    <div
      ref={scroller}
      className={css.grid}
      role="grid"
      tabIndex={0}
      aria-label={props.label}
      aria-rowcount={total + 1}
      aria-colcount={columnCount}
      aria-multiselectable="true"
      aria-activedescendant={activeId}
      onKeyDown={onKeyDown}
    >
      <div className={css.head} role="rowgroup" style={{ width: fullWidth }}>
        <div role="row" aria-rowindex={1} className={css.headRow}>
          <div
            role="columnheader"
            id={cellId(-1, 0)}
            aria-colindex={1}
            aria-sort={sort?.column.id === "run_name" ? (sort.descending ? "descending" : "ascending") : "none"}
            className={css.corner}
            data-active={(active.row === -1 && active.column === 0) || undefined}
            style={{ width: checkWidth + name }}
          >
            <input
              type="checkbox"
              tabIndex={-1}
              aria-label="Select all runs that are loaded"
              checked={rows.length > 0 && selected.size >= rows.length}
              onChange={(event) => onSelect(new Set(event.target.checked ? rows.map((row) => row.run.runId) : []))}
            />
            <HeadButton column={nameColumn} sort={sort} onSort={onSort} />
          </div>
          {shown.map((place, at) => (
            <HeadCell
              key={place.column.id}
              place={place}
              sort={sort}
              onSort={onSort}
              active={active.row === -1 && active.column === place.index}
              stays={at < fixed.length}
              heads={at === 0 || group(place.column) !== group((shown[at - 1] as Place).column)}
            />
          ))}
        </div>
      </div>
      <div className={css.body} role="rowgroup" style={{ width: fullWidth, height: vertical.getTotalSize() }}>
        {virtualRows.map((item) => {
          const row = rows[item.index];
          return (
            <Row
              key={row?.run.runId ?? item.index}
              row={row}
              index={item.index}
              shown={shown}
              stays={fixed.length}
              width={fullWidth}
              name={name}
              active={active.row === item.index ? active.column : -1}
              selected={row !== undefined && selected.has(row.run.runId)}
              changed={row !== undefined && props.changed.has(row.run.runId)}
              base={props.base}
              toggle={toggle}
              activate={setActive}
            />
          );
        })}
      </div>
    </div>
  );
}

const nameColumn: Column = { id: "run_name", kind: "attribute", key: "run_name", aggregate: "last" };

const cellId = (row: number, column: number): string => `cell-${row}-${column}`;

function useNarrow(scroller: React.RefObject<HTMLDivElement | null>): boolean {
  const [narrow, setNarrow] = useState(false);
  useEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setNarrow(element.clientWidth < 600));
    observer.observe(element);
    return () => observer.disconnect();
  }, [scroller]);
  return narrow;
}

function HeadButton({ column, sort, onSort }: { column: Column; sort: Sort | undefined; onSort: (column: Column) => void }) {
  const sorted = sort?.column.id === column.id;
  const label = <>{shortTitle(column)}{sorted && <span aria-hidden="true">{sort.descending ? " ↓" : " ↑"}</span>}</>;
  return sortable(column)
    ? <button type="button" tabIndex={-1} className={css.sort} onClick={() => onSort(column)}>{label}</button>
    : <span className={css.sort}>{label}</span>;
}

function HeadCell({ place, sort, onSort, active, stays, heads }: {
  place: Place;
  sort: Sort | undefined;
  onSort: (column: Column) => void;
  active: boolean;
  stays: boolean;
  heads: boolean;
}) {
  const { column } = place;
  const direction = sort?.column.id === column.id ? (sort.descending ? "descending" : "ascending") : "none";
  return (
    <div
      role="columnheader"
      id={cellId(-1, place.index)}
      aria-colindex={place.index + 1}
      aria-sort={sortable(column) ? direction : undefined}
      className={css.headCell}
      data-active={active || undefined}
      data-stays={stays || undefined}
      data-numeric={isNumeric(column) || undefined}
      title={column.kind === "attribute" ? title(column) : expression(column)}
      style={stays ? { width: place.width, left: place.left } : { width: place.width, transform: `translateX(${place.left}px)` }}
    >
      <span className={css.group}>{heads ? group(column) : ""}</span>
      <HeadButton column={column} sort={sort} onSort={onSort} />
    </div>
  );
}

interface RowProps {
  row: RunRow | undefined;
  index: number;
  shown: readonly Place[];
  stays: number;
  width: number;
  name: number;
  active: number;
  selected: boolean;
  changed: boolean;
  base: RunRow | undefined;
  toggle: (index: number, range: boolean) => void;
  activate: (place: { row: number; column: number }) => void;
}

const Row = memo(function Row({ row, index, shown, stays, width: full, name, active, selected, changed, base, toggle, activate }: RowProps) {
  const top = { transform: `translateY(${index * rowHeight}px)`, width: full };
  const select = (event: MouseEvent) => toggle(index, event.shiftKey);
  return (
    <div role="row" aria-rowindex={index + 2} aria-selected={selected} className={css.row} data-changed={changed || undefined} style={top}>
      <div role="gridcell" aria-colindex={1} id={cellId(index, 0)} className={css.name} data-active={active === 0 || undefined} style={{ width: checkWidth + name }}>
        {row
          ? (
            <>
              <input type="checkbox" tabIndex={-1} aria-label={`Select ${row.run.name}`} checked={selected} onClick={select} onChange={() => {}} />
              <Link to="/runs/$runId" params={{ runId: row.run.runId }} tabIndex={-1} title={row.run.name}>{row.run.name || row.run.runId}</Link>
              {base?.run.runId === row.run.runId && <span className={css.base}>baseline</span>}
            </>
          )
          : <span className={css.waiting} />}
      </div>
      {shown.map((place, at) => {
        const value = row?.cells.get(place.column.id);
        return (
          <div
            key={place.column.id}
            role="gridcell"
            aria-colindex={place.index + 1}
            id={cellId(index, place.index)}
            className={css.cell}
            data-active={active === place.index || undefined}
            data-stays={at < stays || undefined}
            data-numeric={isNumeric(place.column) || undefined}
            title={value === undefined ? undefined : place.column.key === "start_time" || place.column.key === "end_time" ? moment(String(value)) : String(value)}
            style={at < stays ? { left: place.left, width: place.width } : { transform: `translateX(${place.left}px)`, width: place.width }}
            onMouseDown={() => activate({ row: index, column: place.index })}
          >
            {row && <CellText column={place.column} row={row} value={value} base={base && base !== row ? base.cells.get(place.column.id) : undefined} />}
          </div>
        );
      })}
    </div>
  );
});

function CellText({ column, row, value, base }: { column: Column; row: RunRow; value: Value | undefined; base: Value | undefined }) {
  if (column.kind === "attribute") {
    if (column.key === "status") return <RunStatus status={row.run.status} reason={row.run.statusReason} />;
    if ((column.key === "start_time" || column.key === "end_time") && value !== undefined) return <>{ago(String(value))}</>;
    return <>{value}</>;
  }
  if (value === undefined) return <span className={css.none} aria-label="none">–</span>;
  if (column.kind !== "metric") {
    const differs = base !== undefined && base !== value;
    return <span className={differs ? css.differs : undefined}>{value}</span>;
  }
  const delta = base === undefined ? Number.NaN : toNumber(value) - toNumber(base);
  return <>{number(value)}{Number.isFinite(delta) && delta !== 0 && <span className={css.delta}>{signed(delta)}</span>}</>;
}
