import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useState } from "react";
import { type ApiError, apiError, ask, follow } from "../api/client.ts";
import { token } from "../api/session.ts";
import { ago, count, moment } from "../format.ts";
import { graphql } from "../gql/index.ts";
import type { ExperimentsQuery, ExperimentsQueryVariables } from "../gql/graphql.ts";
import { useStore } from "../store.ts";
import { SearchField } from "../ui/Field.tsx";
import { useTitle } from "../ui/title.ts";
import css from "./ExperimentsPage.module.css";

const ExperimentsDocument = graphql(`
  query Experiments($filter: String, $orderBy: ExperimentOrder, $view: View, $after: String) {
    experiments(filter: $filter, orderBy: $orderBy, view: $view, first: 100, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges {
        node {
          experimentId
          name
          lifecycleStage
          createdAt
          createdBy
          tags { key value }
          all: runs(first: 1) { totalCount edges { node { startTime } } }
          running: runs(filter: "status = 'RUNNING'", first: 1) { totalCount }
          failed: runs(filter: "status IN ('FAILED', 'KILLED')", first: 1) { totalCount }
        }
      }
    }
  }
`);

const SomeRunChangedDocument = graphql(`
  subscription SomeRunChanged($after: String) {
    runsChanged(after: $after, maxRate: 1) { cursor changes { kind } }
  }
`);

const orders: Record<string, [string, ExperimentsQueryVariables["orderBy"]]> = {
  created: ["newest first", { field: "CREATED_AT", direction: "DESC" }],
  name: ["by name", { field: "NAME", direction: "ASC" }],
  updated: ["last changed first", { field: "UPDATED_AT", direction: "DESC" }],
};

type Experiment = ExperimentsQuery["experiments"]["edges"][number]["node"];

/** A text for LIKE, whose two wildcards stand for themselves where a user types them. */
const contains = (text: string): string | null => (text ? `name ILIKE '%${text.replaceAll("'", "''")}%'` : null);

function useExperiments(variables: ExperimentsQueryVariables) {
  const [list, setList] = useState<Experiment[]>([]);
  const [page, setPage] = useState<{ total: number; after: string | null }>();
  const [problem, setProblem] = useState<ApiError>();
  const [tick, setTick] = useState(0);
  const secret = useStore(token);
  const key = JSON.stringify(variables);

  useEffect(() => {
    let stale = false;
    ask(ExperimentsDocument, JSON.parse(key) as ExperimentsQueryVariables).then(({ experiments }) => {
      if (stale) return;
      setProblem(undefined);
      setList(experiments.edges.map((edge) => edge.node));
      setPage({ total: experiments.totalCount, after: experiments.pageInfo.hasNextPage ? experiments.pageInfo.endCursor ?? null : null });
    }, (error: unknown) => {
      if (!stale) setProblem(apiError(error));
    });
    return () => {
      stale = true;
    };
  }, [key, secret, tick]);

  useEffect(() => follow(SomeRunChangedDocument, {}, ({ runsChanged }) => {
    if (runsChanged.changes.length > 0) setTick((before) => before + 1);
    return runsChanged.cursor;
  }), [secret]);

  const more = useCallback(async () => {
    try {
      const { experiments } = await ask(ExperimentsDocument, { ...JSON.parse(key) as ExperimentsQueryVariables, after: page?.after ?? null });
      setList((before) => [...before, ...experiments.edges.map((edge) => edge.node)]);
      setPage({ total: experiments.totalCount, after: experiments.pageInfo.hasNextPage ? experiments.pageInfo.endCursor ?? null : null });
    } catch (error) {
      setProblem(apiError(error));
    }
  }, [key, page]);
  return { list, page, problem, more };
}

export function ExperimentsPage() {
  useTitle("Experiments");
  const search = useSearch({ from: "/" });
  const navigate = useNavigate({ from: "/" });
  const order = orders[search.sort ?? ""] ? search.sort ?? "created" : "created";
  const deleted = search.view === "deleted";
  const { list, page, problem, more } = useExperiments({
    filter: contains(search.q ?? ""),
    orderBy: orders[order]?.[1] ?? null,
    view: deleted ? "DELETED" : "ACTIVE",
  });
  const empty = page?.total !== undefined && !search.q && !deleted && list.every((experiment) => experiment.all.totalCount === 0);
  return (
    <div className={css.page}>
      <div className={css.head}>
        <h1>Experiments</h1>
        <span className="quiet" aria-live="polite">{page && `${count(page.total)} ${page.total === 1 ? "experiment" : "experiments"}`}</span>
        <span className="spring" />
        <SearchField label="Search experiments by name" placeholder="Search by name" value={search.q ?? ""} onChange={(q) => navigate({ search: (before) => ({ ...before, q: q || undefined }), replace: true })} />
        <select aria-label="Order" value={order} onChange={(event) => navigate({ search: (before) => ({ ...before, sort: event.target.value === "created" ? undefined : event.target.value }) })}>
          {Object.entries(orders).map(([key, [words]]) => <option key={key} value={key}>{words}</option>)}
        </select>
        <label className="row"><input type="checkbox" checked={deleted} onChange={(event) => navigate({ search: (before) => ({ ...before, view: event.target.checked ? "deleted" : undefined }) })} /> deleted</label>
      </div>
      {problem && <p className="problem" role="alert">{problem.message}</p>}
      {empty && <FirstRun />}
      {list.length > 0 && (
        <div className={`card ${css.scroll}`} role="region" aria-label="List of experiments" tabIndex={0}>
          <table className="plain">
            <thead>
              <tr><th scope="col">Experiment</th><th scope="col" className="num">Runs</th><th scope="col">Running</th><th scope="col">Failed</th><th scope="col">Last run</th><th scope="col">Made</th></tr>
            </thead>
            <tbody>{list.map((experiment) => <Row key={experiment.experimentId} experiment={experiment} />)}</tbody>
          </table>
        </div>
      )}
      {page && list.length === 0 && !problem && <div className="empty"><h2>No experiment matches</h2></div>}
      {page?.after && <p><button type="button" onClick={more}>Show more</button></p>}
    </div>
  );
}

function Row({ experiment }: { experiment: Experiment }) {
  const note = experiment.tags.find((tag) => tag.key === "mlflow.note.content")?.value;
  const last = experiment.all.edges[0]?.node.startTime;
  return (
    <tr>
      <td>
        <Link to="/experiments/$experimentId" params={{ experimentId: experiment.experimentId }} className={css.name}>{experiment.name}</Link>
        {note && <div className={`quiet ${css.note}`}>{note}</div>}
      </td>
      <td className="num">{count(experiment.all.totalCount)}</td>
      <td>{experiment.running.totalCount > 0 && <span className={css.running}>▶ {count(experiment.running.totalCount)}</span>}</td>
      <td>{experiment.failed.totalCount > 0 && <span className={css.failed}>✕ {count(experiment.failed.totalCount)}</span>}</td>
      <td className={css.time} title={last && moment(last)}>{last && ago(last)}</td>
      <td className={css.time} title={`${moment(experiment.createdAt)} by ${experiment.createdBy}`}>{moment(experiment.createdAt).slice(0, 10)}</td>
    </tr>
  );
}

/** What an empty server shows: how to record the first run. */
export function FirstRun() {
  const here = new URL(document.baseURI);
  const server = here.origin + here.pathname.replace(/\/$/, "");
  return (
    <div className="empty">
      <h2>No run yet</h2>
      <p>Record a training without changing it:</p>
      <pre tabIndex={0}>{`cairn exec --server ${server} -- python train.py`}</pre>
      <p>or let an MLflow client log here, with <code>MLFLOW_TRACKING_URI={server}</code>.</p>
    </div>
  );
}
