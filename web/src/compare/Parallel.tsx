import { Link } from "@tanstack/react-router";
import { type PointerEvent, useMemo, useRef, useState } from "react";
import { count } from "../format.ts";
import type { Comparison } from "./ComparePage.tsx";
import css from "./ComparePage.module.css";
import { dimensions } from "./dimensions.ts";
import type { CompareSearch } from "./search.ts";

const top = 44;
const height = 360;
const side = 90;
const gap = 150;
const defaultAxes = 8;

/** A line for each run across axes; dragging along an axis picks runs. */
export function Parallel({ found, search, set }: { found: Comparison; search: CompareSearch; set: (part: CompareSearch) => void }) {
  const all = useMemo(() => dimensions(found), [found]);
  const axes = useMemo(() => {
    const chosen = search.dim && all.filter((axis) => search.dim?.includes(axis.id));
    return chosen && chosen.length > 0 ? chosen : [...all.filter((axis) => axis.id.startsWith("params.")).slice(0, defaultAxes - 2), ...all.filter((axis) => axis.id.startsWith("metrics.")).slice(0, 2)];
  }, [all, search.dim]);
  const by = axes.find((axis) => axis.id === search.by) ?? axes.at(-1);
  const [brushes, setBrushes] = useState<ReadonlyMap<string, [number, number]>>(new Map());
  const [hot, setHot] = useState<string>();
  const drag = useRef<{ id: string; from: number }>(undefined);
  if (all.length === 0) return <div className="empty"><h2>These runs do not differ in a param or a metric</h2></div>;

  const picked = found.runs.map((_, run) => axes.every((axis) => {
    const brush = brushes.get(axis.id);
    const place = axis.places[run];
    return !brush || (place !== undefined && place >= brush[0] && place <= brush[1]);
  }));
  const width = side * 2 + gap * Math.max(1, axes.length - 1);
  const xOf = (index: number) => side + index * gap;
  const yOf = (place: number) => top + (1 - place) * height;
  const placeOf = (event: PointerEvent<SVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const place = 1 - (event.clientY - box.top) / box.height;
    // Who drags to an end means the end.
    return place > 0.98 ? 1 : place < 0.02 ? 0 : place;
  };
  const brush = (id: string, from: number, to: number) => {
    const next = new Map(brushes);
    if (Math.abs(from - to) < 0.02) next.delete(id);
    else next.set(id, [Math.min(from, to), Math.max(from, to)]);
    setBrushes(next);
  };
  // From blue to orange: light is told apart as well as colour.
  const colorOf = (place: number | undefined) => (place === undefined ? "var(--c7)" : `color-mix(in oklab, var(--c1) ${Math.round(place * 100)}%, var(--c0))`);
  return (
    <>
      <fieldset className={css.axes}>
        <legend>Axes</legend>
        {all.map((axis) => {
          const on = axes.includes(axis);
          return (
            <label key={axis.id} className="row">
              <input type="checkbox" checked={on} onChange={(event) => set({ dim: event.target.checked ? [...axes.map((one) => one.id), axis.id] : axes.filter((one) => one !== axis).map((one) => one.id) })} /> {axis.name}
            </label>
          );
        })}
      </fieldset>
      <label className="row">coloured by
        <select value={by?.id ?? ""} onChange={(event) => set({ by: event.target.value })}>{axes.map((axis) => <option key={axis.id} value={axis.id}>{axis.name}</option>)}</select>
      </label>
      <div className={`card ${css.parallel}`} tabIndex={0} role="region" aria-label="Parallel coordinates">
        <svg width={width} height={height + top + 24} role="img" aria-label={`${count(found.runs.length)} runs across ${axes.map((axis) => axis.name).join(", ")}. The differences are a table too.`}>
          {found.runs.map((run, index) => {
            let path = "";
            let down = false;
            for (const [at, axis] of axes.entries()) {
              const place = axis.places[index];
              if (place !== undefined) path += `${down ? "L" : "M"}${xOf(at)},${yOf(place)}`;
              down = place !== undefined;
            }
            return <path key={run.runId} className={css.line} d={path} style={{ stroke: picked[index] ? colorOf(by?.places[index]) : undefined }} data-out={!picked[index] || undefined} data-hot={hot === run.runId || undefined} onPointerEnter={() => setHot(run.runId)} onPointerLeave={() => setHot(undefined)}><title>{run.name}</title></path>;
          })}
          {axes.map((axis, at) => {
            const chosen = brushes.get(axis.id);
            return (
              <g key={axis.id}>
                <text x={xOf(at)} y={20} textAnchor="middle">{axis.name.length > 22 ? `…${axis.name.slice(-21)}` : axis.name}</text>
                <line className={css.axis} x1={xOf(at)} x2={xOf(at)} y1={top} y2={top + height} />
                {axis.ticks.map((tick) => <text key={tick.text} className={css.tick} x={xOf(at) + 6} y={yOf(tick.at) + 4}>{tick.text.slice(0, 18)}</text>)}
                {chosen && <rect className={css.brush} x={xOf(at) - 8} width={16} y={yOf(chosen[1])} height={(chosen[1] - chosen[0]) * height} />}
                <rect
                  className={css.grip}
                  x={xOf(at) - 14}
                  width={28}
                  y={top}
                  height={height}
                  onPointerDown={(event) => {
                    event.currentTarget.setPointerCapture(event.pointerId);
                    drag.current = { id: axis.id, from: placeOf(event) };
                  }}
                  onPointerMove={(event) => {
                    if (drag.current?.id === axis.id) brush(axis.id, drag.current.from, placeOf(event));
                  }}
                  onPointerUp={(event) => {
                    if (drag.current?.id === axis.id) brush(axis.id, drag.current.from, placeOf(event));
                    drag.current = undefined;
                  }}
                />
              </g>
            );
          })}
        </svg>
      </div>
      {brushes.size > 0 && (
        <div className={css.found}>
          <div className="row"><strong role="status">{count(picked.filter(Boolean).length)} of {count(found.runs.length)} runs</strong> <button type="button" onClick={() => setBrushes(new Map())}>Clear</button></div>
          <ul>{found.runs.filter((_, index) => picked[index]).slice(0, 20).map((run) => <li key={run.runId}><Link to="/runs/$runId" params={{ runId: run.runId }}>{run.name}</Link></li>)}</ul>
        </div>
      )}
    </>
  );
}
