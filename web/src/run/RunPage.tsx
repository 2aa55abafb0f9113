import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useState } from "react";
import { type ApiError, apiError, ask, follow } from "../api/client.ts";
import { token } from "../api/session.ts";
import { RegisterDialog } from "../models/RegisterDialog.tsx";
import { count, duration, moment, number } from "../format.ts";
import { graphql } from "../gql/index.ts";
import type { RunQuery } from "../gql/graphql.ts";
import { useStore } from "../store.ts";
import { LongText } from "../ui/LongText.tsx";
import { RunStatus } from "../ui/RunStatus.tsx";
import { useTitle } from "../ui/title.ts";
import { ArtifactsTab } from "./ArtifactsTab.tsx";
import { LogTab } from "./LogTab.tsx";
import { MetricsTab } from "./MetricsTab.tsx";
import css from "./RunPage.module.css";
import type { RunSearch } from "./search.ts";
import { NoteCard, TagsCard } from "./TagsCard.tsx";

const RunDocument = graphql(`
  query Run($id: ID!) {
    run(id: $id) {
      runId
      name
      status
      statusReason
      lifecycleStage
      startTime
      endTime
      userId
      createdBy
      experiment { experimentId name }
      parent { runId name }
      children(first: 100) { totalCount edges { node { runId name status startTime } } }
      params { key value }
      tags { key value }
      metricPage(first: 200) {
        totalCount
        edges { node { key role count nanCount last { value step } min { value step } max { value step } } }
      }
      inputs { context dataset { name digest sourceType } }
      outputs { step model { modelId name modelType status createdAt } }
      fingerprint { codeHash dataHash dependenciesHash seedsHash commandHash hardwareHash }
    }
    viewer { role }
  }
`);

const RunChangedDocument = graphql(`
  subscription RunChanged($filter: String!, $after: String) {
    runsChanged(filter: $filter, after: $after, maxRate: 1) { cursor changes { kind } }
  }
`);

export type Run = NonNullable<RunQuery["run"]>;

function useRun(runId: string) {
  const [state, setState] = useState<{ run?: Run | null; mayEdit?: boolean; problem?: ApiError }>({});
  const [tick, setTick] = useState(0);
  const secret = useStore(token);
  useEffect(() => follow(RunChangedDocument, { filter: `run_id = '${runId.replaceAll("'", "''")}'` }, ({ runsChanged }) => {
    if (runsChanged.changes.length > 0) setTick((before) => before + 1);
    return runsChanged.cursor;
  }), [runId, secret]);
  useEffect(() => {
    let stale = false;
    ask(RunDocument, { id: runId }).then(({ run, viewer }) => {
      if (!stale) setState({ run: run ?? null, mayEdit: viewer.role !== "VIEWER" });
    }, (error: unknown) => {
      if (!stale) setState((before) => ({ ...before, problem: apiError(error) }));
    });
    return () => {
      stale = true;
    };
  }, [runId, tick, secret]);
  return { ...state, changed: useCallback(() => setTick((before) => before + 1), []) };
}

const tabs: [string, string][] = [["overview", "Overview"], ["metrics", "Charts"], ["log", "Output"], ["artifacts", "Artifacts"]];

export function RunPage() {
  const { runId } = useParams({ from: "/runs/$runId" });
  const search = useSearch({ from: "/runs/$runId" });
  const navigate = useNavigate({ from: "/runs/$runId" });
  const set = useCallback((part: RunSearch) => void navigate({ search: (before) => ({ ...before, ...part }), replace: !("tab" in part) }), [navigate]);
  const { run, mayEdit = false, problem, changed } = useRun(runId);
  useTitle(run?.name ?? runId);
  if (problem && !run) return <p className={`problem ${css.problem}`} role="alert">{problem.message}</p>;
  if (run === undefined) return <div className={css.page} aria-busy="true" />;
  if (run === null) return <div className="empty"><h2>There is no run {runId}</h2><p><Link to="/runs">All runs</Link></p></div>;
  const tab = tabs.some(([name]) => name === search.tab) ? search.tab : "overview";
  const editable = { runId: run.runId, tags: run.tags, mayEdit, changed };
  return (
    <div className={css.page}>
      <Head run={run} />
      <nav aria-label="Views of the run" className={css.tabs}>
        {tabs.map(([name, words]) => <Link key={name} from="/runs/$runId" to="." search={(before) => ({ ...before, tab: name === "overview" ? undefined : name })} aria-current={tab === name ? "page" : undefined} data-current={tab === name || undefined}>{words}</Link>)}
      </nav>
      {tab === "metrics" && <MetricsTab run={run} search={search} set={set} />}
      {tab === "log" && <LogTab runId={run.runId} name={run.name} />}
      {tab === "artifacts" && <ArtifactsTab owner={{ run: run.runId }} path={search.path} onPath={(path) => set({ path })} />}
      {tab === "overview" && (
        <div className={css.columns}>
          <Metrics run={run} />
          <Params params={run.params} />
          <Children run={run} />
          <Inputs run={run} />
          <Models run={run} mayEdit={mayEdit} />
          <NoteCard {...editable} />
          <TagsCard {...editable} />
          <Fingerprint run={run} />
        </div>
      )}
    </div>
  );
}

function Head({ run }: { run: Run }) {
  return (
    <header className={css.head}>
      <p className="quiet">
        <Link to="/experiments/$experimentId" params={{ experimentId: run.experiment.experimentId }}>{run.experiment.name}</Link>
        {run.parent && <> › <Link to="/runs/$runId" params={{ runId: run.parent.runId }}>{run.parent.name}</Link></>}
      </p>
      <div className={css.title}><h1>{run.name || run.runId}</h1> <RunStatus status={run.status} /></div>
      {run.statusReason && <p>{run.statusReason}</p>}
      {run.lifecycleStage === "deleted" && <p className="problem">This run is deleted.</p>}
      <dl className={css.facts}>
        <div><dt>Run id</dt><dd className="mono">{run.runId}</dd></div>
        <div><dt>Started</dt><dd className="num">{moment(run.startTime)}</dd></div>
        {run.endTime && <div><dt>Took</dt><dd className="num">{duration(Date.parse(run.endTime) - Date.parse(run.startTime))}</dd></div>}
        {run.userId && <div><dt>User</dt><dd>{run.userId}</dd></div>}
        <div><dt>Recorded by</dt><dd>{run.createdBy}</dd></div>
      </dl>
    </header>
  );
}

function Metrics({ run }: { run: Run }) {
  const { edges, totalCount } = run.metricPage;
  return (
    <section className={`card ${css.card}`} aria-label="Metrics">
      <h2>Metrics</h2>
      {edges.length === 0 ? <p className="quiet">This run has no metrics.</p> : (
        <div className={css.scroll} tabIndex={0} role="region" aria-label="Table of metrics">
          <table className="plain">
            <thead><tr><th scope="col">Metric</th><th scope="col" className="num">Last</th><th scope="col" className="num">Min</th><th scope="col" className="num">Max</th><th scope="col" className="num">Points</th></tr></thead>
            <tbody>
              {edges.map(({ node }) => (
                <tr key={node.key}>
                  <td className={css.key}>{node.key}</td>
                  <td className="num" title={String(node.last.value)}>{number(node.last.value)}</td>
                  <td className="num">{number(node.min?.value)}</td>
                  <td className="num">{number(node.max?.value)}</td>
                  <td className="num">{count(node.count)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {totalCount > edges.length && <p className="quiet">{count(totalCount - edges.length)} more metrics</p>}
    </section>
  );
}

function Params({ params }: { params: Run["params"] }) {
  const [text, setText] = useState("");
  const shown = params.filter((param) => param.key.toLowerCase().includes(text.toLowerCase()));
  return (
    <section className={`card ${css.card}`} aria-label="Params">
      <div className="row">
        <h2>Params</h2>
        <span className="spring" />
        {params.length > 12 && <input type="search" aria-label="Search params" placeholder="Search" value={text} onChange={(event) => setText(event.target.value)} />}
      </div>
      {params.length === 0 ? <p className="quiet">This run has no params.</p> : (
        <div className={css.pairs} tabIndex={0} role="region" aria-label="List of params">
          <dl>{shown.map(({ key, value }) => <div key={key}><dt>{key}</dt><dd><LongText text={value} /></dd></div>)}</dl>
        </div>
      )}
    </section>
  );
}

function Models({ run, mayEdit }: { run: Run; mayEdit: boolean }) {
  const [registering, setRegistering] = useState<string>();
  if (run.outputs.length === 0) return null;
  const chosen = run.outputs.find(({ model }) => model.modelId === registering)?.model;
  return (
    <section className={`card ${css.card}`} aria-label="Models">
      <h2>Models</h2>
      <ul className={css.children}>
        {run.outputs.map(({ model, step }) => (
          <li key={model.modelId}>
            <strong>{model.name}</strong> {model.modelType && <span className="chip">{model.modelType}</span>} <span className="mono quiet">{model.modelId}</span> {Number(step) > 0 && <span className="quiet">step {step}</span>}
            {mayEdit && <button type="button" aria-label={`Register ${model.name}`} onClick={() => setRegistering(model.modelId)}>Register…</button>}
          </li>
        ))}
      </ul>
      {chosen && <RegisterDialog modelId={chosen.modelId} suggested={chosen.name} onClose={() => setRegistering(undefined)} />}
    </section>
  );
}

const parts: [keyof NonNullable<Run["fingerprint"]>, string][] = [["codeHash", "Code"], ["dataHash", "Data"], ["dependenciesHash", "Dependencies"], ["seedsHash", "Seeds"], ["commandHash", "Command"], ["hardwareHash", "Hardware"]];

function Fingerprint({ run }: { run: Run }) {
  const { fingerprint } = run;
  if (!fingerprint) return null;
  return (
    <section className={`card ${css.card}`} aria-label="Fingerprint">
      <h2>Fingerprint</h2>
      <div className={css.pairs}><dl>{parts.map(([name, words]) => <div key={name}><dt>{words}</dt><dd className="mono">{fingerprint[name] ? fingerprint[name].slice(0, 16) : <span className="quiet">not recorded</span>}</dd></div>)}</dl></div>
    </section>
  );
}

function Children({ run }: { run: Run }) {
  const { edges, totalCount } = run.children;
  if (totalCount === 0) return null;
  return (
    <section className={`card ${css.card}`} aria-label="Children">
      <h2>{count(totalCount)} {totalCount === 1 ? "child" : "children"}</h2>
      <ul className={css.children}>
        {edges.map(({ node }) => <li key={node.runId}><Link to="/runs/$runId" params={{ runId: node.runId }}>{node.name}</Link> <RunStatus status={node.status} /></li>)}
      </ul>
    </section>
  );
}

function Inputs({ run }: { run: Run }) {
  if (run.inputs.length === 0) return null;
  return (
    <section className={`card ${css.card}`} aria-label="Inputs">
      <h2>Inputs</h2>
      <ul className={css.children}>
        {run.inputs.map(({ context, dataset }) => <li key={`${dataset.digest} ${context}`}>{dataset.name} <span className="mono quiet">{dataset.digest}</span> {context && <span className="chip">{context}</span>}</li>)}
      </ul>
    </section>
  );
}
