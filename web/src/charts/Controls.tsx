import css from "./Controls.module.css";
import type { Axis } from "./Chart.tsx";

/** How charts are drawn; part of the address. */
export interface ChartSearch {
  axis?: string | undefined;
  log?: string | undefined;
  smooth?: string | undefined;
  /** From … to, in units of the axis. */
  x?: string | undefined;
}

export interface ChartView {
  axis: Axis;
  log: boolean;
  smoothing: number;
  range: [number, number] | undefined;
}

const axes: [string, Axis, string][] = [["step", "STEP", "step"], ["time", "TIME", "time"], ["relative", "RELATIVE_TIME", "since start"]];

export function chartView(search: ChartSearch): ChartView {
  const found = /^(-?[\d.e+]+)\.\.(-?[\d.e+]+)$/.exec(search.x ?? "");
  const [from, to] = [Number(found?.[1]), Number(found?.[2])];
  const smoothing = Number(search.smooth ?? 0);
  return {
    axis: axes.find(([name]) => name === search.axis)?.[1] ?? "STEP",
    log: search.log === "1",
    smoothing: smoothing > 0 && smoothing < 1 ? smoothing : 0,
    range: Number.isFinite(from) && Number.isFinite(to) && from < to ? [from, to] : undefined,
  };
}

export const rangeText = (range: readonly [number, number] | undefined): string | undefined => range && `${Number(range[0].toPrecision(12))}..${Number(range[1].toPrecision(12))}`;

export function Controls({ search, set }: { search: ChartSearch; set: (part: ChartSearch) => void }) {
  const view = chartView(search);
  return (
    <div className={css.controls} role="group" aria-label="How charts are drawn">
      <label className="row">along
        <select value={search.axis ?? "step"} onChange={(event) => set({ axis: event.target.value === "step" ? undefined : event.target.value, x: undefined })}>
          {axes.map(([name, , words]) => <option key={name} value={name}>{words}</option>)}
        </select>
      </label>
      <label className="row">smoothed
        <input type="range" min="0" max="0.99" step="0.01" value={view.smoothing} onChange={(event) => set({ smooth: event.target.value === "0" ? undefined : event.target.value })} />
        <span className={css.amount}>{view.smoothing.toFixed(2)}</span>
      </label>
      <label className="row"><input type="checkbox" checked={view.log} onChange={(event) => set({ log: event.target.checked ? "1" : undefined })} /> logarithmic</label>
      {view.range && <button type="button" onClick={() => set({ x: undefined })}>Show the whole range</button>}
    </div>
  );
}
