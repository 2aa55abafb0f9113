import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { count, duration, moment, number } from "../format.ts";
import { saveFile } from "../ui/save.ts";
import css from "./Chart.module.css";
import { smooth } from "./series.ts";

export interface Line {
  id: string;
  name: string;
  /** Which of the palette's colours. */
  color: number;
  x: number[];
  last: number[];
  min: number[];
  max: number[];
  exact: boolean;
  total: number;
}

export type Axis = "STEP" | "TIME" | "RELATIVE_TIME";

export interface ChartProps {
  title: string;
  lines: readonly Line[];
  axis: Axis;
  log: boolean;
  smoothing: number;
  range: readonly [number, number] | undefined;
  onRange: (range: [number, number] | undefined) => void;
  /** Charts of one name have one cursor. */
  sync: string;
  height?: number;
  /** Names of the lines, where there are several. */
  legend?: boolean;
}

const colors = 8;
const dashes = [[], [6, 4], [2, 3]];

/** light-dark() is for CSS; a canvas takes what it resolves to. */
function resolved(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = name.startsWith("--") ? `var(${name})` : name;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const faded = (rgb: string, alpha: number): string => rgb.replace(/^rgba?\(([^)]*)\)$/, (_, parts: string) => `rgba(${parts.split(/[, /]+/).slice(0, 3).join(", ")}, ${alpha})`);

/** Redraws when the colours change. */
function useTheme(): number {
  const [theme, setTheme] = useState(0);
  useEffect(() => {
    const changed = () => setTheme((before) => before + 1);
    const media = matchMedia("(prefers-color-scheme: dark)");
    media.addEventListener("change", changed);
    addEventListener("cairn-theme", changed);
    return () => {
      media.removeEventListener("change", changed);
      removeEventListener("cairn-theme", changed);
    };
  }, []);
  return theme;
}

export function xText(axis: Axis, value: number): string {
  if (axis === "STEP") return `step ${number(value, 8)}`;
  return axis === "TIME" ? moment(new Date(value).toISOString()) : duration(value);
}

const gap = (value: number | undefined): number | null => (value === undefined || !Number.isFinite(value) ? null : value);

/** The columns of a plot: for each line its value, what it was smoothed from, and its extremes. */
function columns(lines: readonly Line[], smoothing: number): uPlot.AlignedData {
  const tables = lines.map((line): uPlot.AlignedData => [
    line.x,
    smooth(line.last, smoothing).map(gap),
    smoothing > 0 ? line.last.map(gap) : line.x.map(() => null),
    line.exact ? line.x.map(() => null) : line.min.map(gap),
    line.exact ? line.x.map(() => null) : line.max.map(gap),
  ]);
  if (tables.length === 0) return [[]];
  if (tables.length === 1) return tables[0] as uPlot.AlignedData;
  return uPlot.join(tables, tables.map((table) => table.map(() => 1)));
}

const perLine = 4;

/** What is wrong with a line that cannot be drawn; a chart that is empty without a word would lie. */
function emptiness(lines: readonly Line[]): string {
  const values = lines.flatMap((line) => line.last);
  if (values.length === 0) return "no points in this range";
  if (values.every((value) => Number.isNaN(value))) return "every value is NaN";
  return values.some(Number.isFinite) ? "" : "every value is infinite or NaN";
}

/** The least and the greatest of all points, drawn as such or within a bucket. */
export function extremes(lines: readonly Line[]): [number, number] | undefined {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const line of lines) {
    for (const value of line.min) if (Number.isFinite(value) && value < low) low = value;
    for (const value of line.max) if (Number.isFinite(value) && value > high) high = value;
  }
  return low <= high ? [low, high] : undefined;
}

export function Chart({ title, lines, axis, log, smoothing, range, onRange, sync, height = 220, legend = false }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const [at, setAt] = useState<number | null>(null);
  const theme = useTheme();
  const told = useRef(onRange);
  useEffect(() => {
    told.current = onRange;
  }, [onRange]);
  const data = useMemo(() => columns(lines, smoothing), [lines, smoothing]);
  const positive = !log || lines.some((line) => line.last.some((value) => value > 0));
  const structure = JSON.stringify([lines.map((line) => [line.id, line.color]), axis, log && positive, sync, height, theme, smoothing > 0, range]);
  const latest = useRef(data);
  useEffect(() => {
    latest.current = data;
  }, [data]);

  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const [ids, , logarithmic] = JSON.parse(structure) as [[string, number][], Axis, boolean];
    const quiet = resolved("--quiet");
    const grid = { stroke: resolved("--line"), width: 1 };
    const strokes = ids.map(([, index]) => resolved(`--c${index % colors}`));
    const many = ids.length > 1;
    const series: uPlot.Series[] = [{}];
    const bands: uPlot.Band[] = [];
    for (const [index, stroke] of strokes.entries()) {
      const dash = dashes[Math.floor((ids[index]?.[1] ?? 0) / colors) % dashes.length] ?? [];
      const first = index * perLine + 1;
      series.push(
        { stroke, width: 1.75, dash, points: { size: 5, width: 1 } },
        { stroke: faded(stroke, 0.3), width: 1, points: { show: false } },
        { stroke: faded(stroke, many ? 0 : 0.25), width: 1, points: { show: false } },
        { stroke: faded(stroke, many ? 0 : 0.25), width: 1, points: { show: false } },
      );
      bands.push({ series: [first + 3, first + 2], fill: faded(stroke, 0.18) });
    }
    const chart = new uPlot({
      width: Math.max(120, element.clientWidth),
      height,
      series,
      bands,
      ms: 1,
      legend: { show: false },
      scales: {
        x: { time: axis === "TIME", ...(range ? { range: [range[0], range[1]] } : {}) },
        y: logarithmic ? { distr: 3 } : {},
      },
      axes: [
        { stroke: quiet, grid, ticks: grid, size: 34, font: "11px system-ui, sans-serif", ...(axis === "TIME" ? {} : { values: (_, values) => values.map((value) => (axis === "STEP" ? number(value, 6) : duration(value))) }) },
        { stroke: quiet, grid, ticks: grid, size: 58, font: "11px system-ui, sans-serif", values: (_, values) => values.map((value) => (value === null ? "" : number(value, 4))) },
      ],
      cursor: { sync: { key: sync }, drag: { x: true, y: false, setScale: false }, points: { one: true } } as uPlot.Cursor,
      hooks: {
        setCursor: [(self) => setAt(self.cursor.idx ?? null)],
        setSelect: [(self) => {
          if (self.select.width < 4) return;
          const from = self.posToVal(self.select.left, "x");
          const to = self.posToVal(self.select.left + self.select.width, "x");
          self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          told.current([from, to]);
        }],
      },
    }, latest.current, element);
    plot.current = chart;
    const whole = () => told.current(undefined);
    chart.over.addEventListener("dblclick", whole);
    const observer = new ResizeObserver(() => chart.setSize({ width: Math.max(120, element.clientWidth), height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [structure]); // eslint-disable-line react/exhaustive-deps -- structure is made of all that is used

  useEffect(() => plot.current?.setData(data), [data]);

  const xs = data[0] as number[];
  const index = at !== null && at < xs.length ? at : null;
  const shownLines = lines.map((line, order) => {
    const column = data[order * perLine + 1] as (number | null | undefined)[] | undefined;
    let value = index === null ? line.last.at(-1) : column?.[index] ?? undefined;
    if (index !== null && value === undefined) value = undefined;
    return { line, value };
  });
  const inexact = lines.filter((line) => !line.exact);
  const total = lines.reduce((sum, line) => sum + line.total, 0);
  const drawn = lines.reduce((sum, line) => sum + line.x.length, 0);
  const nothing = emptiness(lines);

  const onKeyDown = (event: KeyboardEvent) => {
    const chart = plot.current;
    if (!chart || event.ctrlKey || event.metaKey || event.altKey || event.target !== event.currentTarget || xs.length === 0) return;
    const here = index ?? xs.length - 1;
    const step = event.shiftKey ? Math.max(1, Math.round(xs.length / 20)) : 1;
    const span = [range?.[0] ?? xs[0] ?? 0, range?.[1] ?? xs.at(-1) ?? 0] as const;
    const middle = xs[here] ?? span[0];
    let to: number | undefined;
    if (event.key === "ArrowRight") to = Math.min(xs.length - 1, here + step);
    else if (event.key === "ArrowLeft") to = Math.max(0, here - step);
    else if (event.key === "Home") to = 0;
    else if (event.key === "End") to = xs.length - 1;
    else if (event.key === "+" || event.key === "=") onRange([middle - (span[1] - span[0]) / 4, middle + (span[1] - span[0]) / 4]);
    else if (event.key === "-" || event.key === "0") onRange(undefined);
    else return;
    event.preventDefault();
    if (to !== undefined) {
      const value = data[1]?.[to];
      chart.setCursor({ left: chart.valToPos(xs[to] ?? 0, "x"), top: value === null || value === undefined ? 10 : chart.valToPos(value, "y") });
    }
  };

  const save = () => {
    const canvas = plot.current?.ctx.canvas;
    if (!canvas) return;
    const copy = document.createElement("canvas");
    copy.width = canvas.width;
    copy.height = canvas.height;
    const context = copy.getContext("2d");
    if (!context) return;
    context.fillStyle = resolved("--panel");
    context.fillRect(0, 0, copy.width, copy.height);
    context.drawImage(canvas, 0, 0);
    copy.toBlob((blob) => {
      if (blob) saveFile(blob, "image/png", `${title}.png`);
    });
  };
  const ends = useMemo(() => extremes(lines), [lines]);
  const summary = shownLines.slice(0, 3).map(({ line, value }) => `${lines.length > 1 ? `${line.name}: ` : ""}${value === undefined ? "none" : number(value)}`).join(", ");

  return (
    <figure className={css.chart}>
      <figcaption className={css.caption}>
        <span className={css.title} title={title}>{title}</span>
        <span className={css.badge} title={inexact.length > 0 ? "Each place shows the least, the greatest and the last of several points. Zoom in for each." : "Every point is drawn."}>
          {total > 0 && (inexact.length > 0 ? `1 of ${number(total / Math.max(1, drawn), 3)}` : "exact")}
        </span>
        <span className="spring" />
        {lines.length === 1 && <span className={css.value}>{shownLines[0]?.value === undefined ? "–" : number(shownLines[0].value)}</span>}
        <span className={css.where}>{index !== null && xs[index] !== undefined ? xText(axis, xs[index]) : ""}</span>
        <button type="button" className={`plain ${css.small}`} aria-label={`Save ${title} as PNG`} title="Save as PNG" onClick={save}>⤓</button>
      </figcaption>
      <div className={css.plot} tabIndex={0} role="group" aria-roledescription="line chart" aria-label={`${title}, ${count(total)} points${ends ? `, from ${number(ends[0])} to ${number(ends[1])}` : ""}. ${index === null ? "Last" : xText(axis, xs[index] ?? 0)}: ${summary}. Arrows move, plus zooms in, minus shows all.`} onKeyDown={onKeyDown}>
        <div ref={place} />
        {(nothing !== "" || !positive) && <p className={css.empty}>{nothing || "no value above 0 for a logarithmic axis"}</p>}
      </div>
      {legend && lines.length > 1 && (
        <ul className={css.legend}>
          {shownLines.map(({ line, value }) => (
            <li key={line.id}><span className={css.swatch} data-dash={Math.floor(line.color / colors) % dashes.length} style={{ borderColor: `var(--c${line.color % colors})` }} /> <span className={css.name}>{line.name}</span> <span className="num">{value === undefined ? "" : number(value)}</span></li>
          ))}
        </ul>
      )}
    </figure>
  );
}
