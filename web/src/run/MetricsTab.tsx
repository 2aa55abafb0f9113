import { useEffect, useMemo, useState } from "react";
import { type ApiError, apiError, ask } from "../api/client.ts";
import { token } from "../api/session.ts";
import { Chart } from "../charts/Chart.tsx";
import { type ChartSearch, type ChartView, chartView, Controls, rangeText } from "../charts/Controls.tsx";
import { useSeries } from "../charts/series.ts";
import { count } from "../format.ts";
import { graphql } from "../gql/index.ts";
import { useStore } from "../store.ts";
import { SearchField } from "../ui/Field.tsx";
import { useVisible } from "../ui/visible.ts";
import css from "./MetricsTab.module.css";
import type { Run } from "./RunPage.tsx";

const MetricGroupsDocument = graphql(`
  query MetricGroups($id: ID!) {
    run(id: $id) { metricGroups { prefix metrics folder } }
  }
`);

const MetricKeysDocument = graphql(`
  query MetricKeys($id: ID!, $prefix: String!, $after: String) {
    run(id: $id) {
      metricPage(prefix: $prefix, first: 60, after: $after) { totalCount pageInfo { hasNextPage endCursor } edges { node { key role } } }
    }
  }
`);

export interface MetricsSearch extends ChartSearch {
  /** What the keys of the charts begin with. */
  keys?: string | undefined;
}

interface Group {
  name: string;
  prefix: string;
  /** Keys, where they are known already. */
  keys: string[] | undefined;
  metrics: number;
}

/** A chart for each metric, by folders; a chart asks for its points when it comes into view. */
export function MetricsTab({ run, search, set }: { run: Run; search: MetricsSearch; set: (part: MetricsSearch) => void }) {
  const view = useMemo(() => chartView(search), [search]);
  const [groups, setGroups] = useState<Group[]>();
  const [problem, setProblem] = useState<ApiError>();
  const secret = useStore(token);
  const known = run.metricPage.totalCount;
  useEffect(() => {
    let stale = false;
    ask(MetricGroupsDocument, { id: run.runId }).then(({ run: found }) => {
      if (stale || !found) return;
      setProblem(undefined);
      const loose = found.metricGroups.filter((group) => !group.folder);
      setGroups([
        ...(loose.length > 0 ? [{ name: "Metrics", prefix: "", keys: loose.map((group) => group.prefix), metrics: loose.length }] : []),
        ...found.metricGroups.filter((group) => group.folder).map((group) => ({ name: group.prefix.replace(/\/$/, ""), prefix: group.prefix, keys: undefined, metrics: group.metrics })),
      ]);
    }, (error: unknown) => {
      if (!stale) setProblem(apiError(error));
    });
    return () => {
      stale = true;
    };
  }, [run.runId, known, secret]);
  const searched = search.keys ?? "";
  return (
    <div className={css.tab}>
      <div className="row">
        <SearchField label="Metrics that begin with" placeholder="Metrics that begin with …" value={searched} onChange={(keys) => set({ keys: keys || undefined })} />
        <Controls search={search} set={set} />
      </div>
      {problem && <p className="problem" role="alert">{problem.message}</p>}
      {searched
        ? <Section key={searched} group={{ name: `“${searched}…”`, prefix: searched, keys: undefined, metrics: 0 }} run={run} view={view} set={set} open />
        : groups?.map((group, index) => <Section key={group.prefix} group={group} run={run} view={view} set={set} open={index < 4 && !group.prefix.startsWith("system/")} />)}
      {groups?.length === 0 && !searched && <div className="empty"><h2>No metrics</h2><p>{run.status === "RUNNING" ? "Charts appear here with the first points." : "This run logged none."}</p></div>}
    </div>
  );
}

function Section({ group, run, view, set, open }: { group: Group; run: Run; view: ChartView; set: (part: MetricsSearch) => void; open: boolean }) {
  const [shown, setShown] = useState(open);
  const [page, setPage] = useState<{ keys: string[]; after: string | null; total: number }>();
  const [problem, setProblem] = useState<ApiError>();
  const [wanted, setWanted] = useState<string | null>(null);
  const [most, setMost] = useState(60);
  const own = group.keys;
  const { prefix, metrics } = group;
  useEffect(() => {
    if (!shown || own) return undefined;
    let stale = false;
    ask(MetricKeysDocument, { id: run.runId, prefix, after: wanted }).then(({ run: found }) => {
      if (stale || !found) return;
      const { edges, pageInfo, totalCount } = found.metricPage;
      setPage((before) => ({ keys: [...(wanted && before ? before.keys : []), ...edges.map(({ node }) => node.key)], after: pageInfo.hasNextPage ? pageInfo.endCursor ?? null : null, total: totalCount }));
    }, (error: unknown) => {
      if (!stale) setProblem(apiError(error));
    });
    return () => {
      stale = true;
    };
  }, [shown, own, run.runId, prefix, wanted, metrics]);
  const keys = own ? own.slice(0, most) : page?.keys ?? [];
  const total = own?.length ?? (metrics || page?.total || 0);
  return (
    <details className={css.section} open={shown} onToggle={(event) => setShown(event.currentTarget.open)}>
      <summary><h2>{group.name}</h2> <span className="quiet">{count(total)}</span></summary>
      {problem && <p className="problem" role="alert">{problem.message}</p>}
      {shown && <div className={css.charts}>{keys.map((key) => <MetricChart key={key} metric={key} title={key.startsWith(prefix) && prefix.endsWith("/") ? key.slice(prefix.length) : key} run={run} view={view} set={set} />)}</div>}
      {shown && own && own.length > most && <button type="button" onClick={() => setMost(most + 60)}>Show more</button>}
      {shown && page?.after && <button type="button" onClick={() => setWanted(page.after)}>Show more</button>}
      {shown && page && keys.length === 0 && <p className="quiet">No metric begins so.</p>}
    </details>
  );
}

function MetricChart({ metric, title, run, view, set }: { metric: string; title: string; run: Run; view: ChartView; set: (part: MetricsSearch) => void }) {
  const [place, visible] = useVisible<HTMLDivElement>();
  const starts = useMemo(() => ({ [run.runId]: Date.parse(run.startTime) }), [run.runId, run.startTime]);
  const { series, problem, loaded } = useSeries({ runs: [run.runId], key: metric, axis: view.axis, range: view.range, maxPoints: 800 }, starts, visible, run.status === "RUNNING");
  const lines = useMemo(() => series.map((one) => ({ ...one, id: one.runId, name: run.name, color: 0 })), [series, run.name]);
  return (
    <div ref={place} className={css.chart}>
      {loaded && !problem && <Chart title={title} lines={lines} axis={view.axis} log={view.log} smoothing={view.smoothing} range={view.range} onRange={(range) => set({ x: rangeText(range) })} sync="run" />}
      {problem && <p className="problem" role="alert">{problem.message}</p>}
    </div>
  );
}
