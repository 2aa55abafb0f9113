import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useState } from "react";
import { type ApiError, apiError, ask } from "../api/client.ts";
import { token } from "../api/session.ts";
import { Chart } from "../charts/Chart.tsx";
import { type ChartView, chartView, Controls, rangeText } from "../charts/Controls.tsx";
import { useSeries } from "../charts/series.ts";
import { count, duration, moment, number, signed, toNumber, type Value } from "../format.ts";
import { graphql } from "../gql/index.ts";
import type { CompareRunsQuery } from "../gql/graphql.ts";
import { useStore } from "../store.ts";
import { RunStatus } from "../ui/RunStatus.tsx";
import { useTitle } from "../ui/title.ts";
import { useVisible } from "../ui/visible.ts";
import css from "./ComparePage.module.css";
import { Parallel } from "./Parallel.tsx";
import type { CompareSearch } from "./search.ts";

const CompareRunsDocument = graphql(`
  query CompareRuns($runs: [ID!]!) {
    compareRuns(runs: $runs) {
      runs {
        runId
        name
        status
        startTime
        endTime
        experiment { name }
        inputs { context dataset { name digest } }
        fingerprint { codeHash dataHash dependenciesHash seedsHash commandHash hardwareHash }
      }
      params { key values differs }
      metrics { key last differs }
    }
  }
`);

export type Comparison = CompareRunsQuery["compareRuns"];
type ComparedRun = Comparison["runs"][number];

const mostRuns = 500;
const tabs: [string, string][] = [["table", "Differences"], ["charts", "Charts"], ["parallel", "Parallel coordinates"]];

function useComparison(runs: readonly string[]) {
  const [state, setState] = useState<{ found?: Comparison; problem?: ApiError }>({});
  const secret = useStore(token);
  const name = runs.join(",");
  useEffect(() => {
    if (!name) return undefined;
    let stale = false;
    ask(CompareRunsDocument, { runs: name.split(",") }).then(({ compareRuns }) => {
      if (!stale) setState({ found: compareRuns });
    }, (error: unknown) => {
      if (!stale) setState({ problem: apiError(error) });
    });
    return () => {
      stale = true;
    };
  }, [name, secret]);
  return state;
}

export function ComparePage() {
  const search = useSearch({ from: "/compare" });
  const navigate = useNavigate({ from: "/compare" });
  const set = useCallback((part: CompareSearch) => void navigate({ search: (before) => ({ ...before, ...part }), replace: true }), [navigate]);
  const runs = useMemo(() => [...new Set(search.run ?? [])].slice(0, mostRuns), [search.run]);
  const { found, problem } = useComparison(runs);
  useTitle("Compare");
  if (runs.length < 2) return <div className="empty"><h2>Choose two runs or more</h2><p>Select them in a table of <Link to="/runs">runs</Link>, then “Compare”.</p></div>;
  const tab = tabs.some(([name]) => name === search.tab) ? search.tab : "table";
  return (
    <div className={css.page}>
      <h1>{count(runs.length)} runs compared</h1>
      {problem && <p className="problem" role="alert">{problem.message}</p>}
      <nav aria-label="Views of the comparison" className={css.tabs}>
        {tabs.map(([name, words]) => <Link key={name} from="/compare" to="." search={(before) => ({ ...before, tab: name === "table" ? undefined : name })} aria-current={tab === name ? "page" : undefined} data-current={tab === name || undefined}>{words}</Link>)}
      </nav>
      {found && tab === "table" && <Differences found={found} search={search} set={set} />}
      {found && tab === "charts" && <Overlays found={found} search={search} set={set} />}
      {found && tab === "parallel" && <Parallel found={found} search={search} set={set} />}
    </div>
  );
}

interface Row {
  name: string;
  differs: boolean;
  cells: (Value | null | undefined)[];
  show?: (value: Value | null | undefined) => string;
  delta?: boolean;
}

const same = (cells: readonly unknown[]): boolean => cells.every((cell) => cell === cells[0]);

function facts(runs: readonly ComparedRun[]): Row[] {
  const row = (name: string, of: (run: ComparedRun) => string | undefined): Row => {
    const cells = runs.map(of);
    return { name, cells, differs: !same(cells) };
  };
  const hash = (part: keyof NonNullable<ComparedRun["fingerprint"]>) => (run: ComparedRun) => run.fingerprint?.[part].slice(0, 12) || undefined;
  return [
    row("Experiment", (run) => run.experiment.name),
    row("Started", (run) => moment(run.startTime)),
    row("Took", (run) => (run.endTime ? duration(Date.parse(run.endTime) - Date.parse(run.startTime)) : undefined)),
    row("Data", (run) => run.inputs.map(({ context, dataset }) => `${dataset.name} ${dataset.digest}${context ? ` (${context})` : ""}`).join(", ") || undefined),
    row("Code", hash("codeHash")),
    row("Dependencies", hash("dependenciesHash")),
    row("Seeds", hash("seedsHash")),
    row("Command", hash("commandHash")),
    row("Hardware", hash("hardwareHash")),
  ].filter(({ cells }) => cells.some((cell) => cell !== undefined));
}

function Differences({ found, search, set }: { found: Comparison; search: CompareSearch; set: (part: CompareSearch) => void }) {
  const all = search.all === "1";
  const sections: [string, Row[]][] = useMemo(() => [
    ["Metrics", found.metrics.map(({ key, last, differs }) => ({ name: key, cells: last, differs, show: (value) => number(value), delta: true }))],
    ["Params", found.params.map(({ key, values, differs }) => ({ name: key, cells: values, differs }))],
    ["Run", facts(found.runs)],
  ], [found]);
  const hidden = sections.reduce((sum, [, rows]) => sum + rows.filter((row) => !row.differs).length, 0);
  return (
    <>
      <div className={`row ${css.tools}`}>
        <label className="row"><input type="checkbox" checked={all} onChange={(event) => set({ all: event.target.checked ? "1" : undefined })} /> also what is the same</label>
        {!all && hidden > 0 && <span className="quiet">{count(hidden)} rows are the same in all runs, and hidden</span>}
      </div>
      <div className={`card ${css.scroll}`} tabIndex={0} role="region" aria-label="Differences">
        <table className={`plain ${css.table}`}>
          <thead>
            <tr>
              <th scope="col" className={css.key}>Run</th>
              {found.runs.map((run, index) => (
                <th key={run.runId} scope="col">
                  <Link to="/runs/$runId" params={{ runId: run.runId }}>{run.name || run.runId}</Link>
                  <div><RunStatus status={run.status} />{index === 0 && <span className="quiet"> baseline</span>}</div>
                </th>
              ))}
            </tr>
          </thead>
          {sections.map(([name, rows]) => {
            const shown = all ? rows : rows.filter((row) => row.differs);
            if (shown.length === 0) return null;
            return (
              <tbody key={name}>
                <tr><th scope="rowgroup" className={`${css.key} ${css.section}`}>{name}</th><td colSpan={found.runs.length} aria-hidden="true" /></tr>
                {shown.map((row) => (
                  <tr key={row.name} data-differs={row.differs || undefined}>
                    <th scope="row" className={css.key}>{row.name}</th>
                    {row.cells.map((cell, index) => <td key={found.runs[index]?.runId} className={css.cell} title={cell === null || cell === undefined ? undefined : String(cell)}><CellText row={row} cell={cell} index={index} /></td>)}
                  </tr>
                ))}
              </tbody>
            );
          })}
        </table>
      </div>
      {!all && sections.every(([, rows]) => rows.every((row) => !row.differs)) && <div className="empty"><h2>These runs do not differ</h2></div>}
    </>
  );
}

function CellText({ row, cell, index }: { row: Row; cell: Value | null | undefined; index: number }) {
  if (cell === null || cell === undefined) return <span className="quiet">–</span>;
  const delta = row.delta && index > 0 ? toNumber(cell) - toNumber(row.cells[0]) : Number.NaN;
  return <>{row.show ? row.show(cell) : cell}{Number.isFinite(delta) && delta !== 0 && <span className={css.delta}>{signed(delta)}</span>}</>;
}

function Overlays({ found, search, set }: { found: Comparison; search: CompareSearch; set: (part: CompareSearch) => void }) {
  const view = useMemo(() => chartView(search), [search]);
  const [text, setText] = useState("");
  const [most, setMost] = useState(24);
  const keys = found.metrics.map((metric) => metric.key).filter((key) => key.toLowerCase().includes(text.toLowerCase()));
  return (
    <>
      <div className={`row ${css.tools}`}>
        <input type="search" aria-label="Search metrics" placeholder="Search metrics" value={text} onChange={(event) => setText(event.target.value)} />
        <Controls search={search} set={set} />
      </div>
      <div className={css.charts}>{keys.slice(0, most).map((key) => <Overlay key={key} metric={key} runs={found.runs} view={view} set={set} />)}</div>
      {keys.length > most && <button type="button" onClick={() => setMost(most + 24)}>Show more</button>}
      {keys.length === 0 && <div className="empty"><h2>No metric</h2></div>}
    </>
  );
}

function Overlay({ metric, runs, view, set }: { metric: string; runs: readonly ComparedRun[]; view: ChartView; set: (part: CompareSearch) => void }) {
  const [place, visible] = useVisible<HTMLDivElement>();
  const ids = useMemo(() => runs.map((run) => run.runId), [runs]);
  const starts = useMemo(() => Object.fromEntries(runs.map((run) => [run.runId, Date.parse(run.startTime)])), [runs]);
  // Of many runs each needs fewer places: the lines lie over each other anyway, and spikes stay.
  const maxPoints = runs.length > 50 ? 200 : 600;
  const { series, problem, loaded } = useSeries({ runs: ids, key: metric, axis: view.axis, range: view.range, maxPoints }, starts, visible, runs.some((run) => run.status === "RUNNING"));
  const lines = useMemo(() => series.map((one) => {
    const color = ids.indexOf(one.runId);
    return { ...one, id: one.runId, name: runs[color]?.name ?? one.runId, color };
  }), [series, ids, runs]);
  return (
    <div ref={place} className={css.chart}>
      {loaded && !problem && <Chart title={metric} lines={lines} axis={view.axis} log={view.log} smoothing={view.smoothing} range={view.range} onRange={(range) => set({ x: rangeText(range) })} sync="compare" height={260} legend={runs.length <= 40} />}
      {problem && <p className="problem" role="alert">{problem.message}</p>}
    </div>
  );
}
