import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { type ApiError, apiError, ask } from "../api/client.ts";
import { token } from "../api/session.ts";
import { ago, count, moment } from "../format.ts";
import { graphql } from "../gql/index.ts";
import type { ModelQuery } from "../gql/graphql.ts";
import { useStore } from "../store.ts";
import { useTitle } from "../ui/title.ts";
import css from "./Models.module.css";
import { useVersionChanges } from "./ModelsPage.tsx";
import { Stage } from "./Stage.tsx";
import { RollbackDialog, TransitionDialog } from "./TransitionDialog.tsx";
import { VersionDiff } from "./VersionDiff.tsx";

const ModelDocument = graphql(`
  query Model($name: String!) {
    registeredModel(name: $name) {
      name
      description
      createdAt
      createdBy
      tags { key value }
      aliases { alias version }
      rules { stage kind text }
      versions(first: 100) {
        totalCount
        edges { node { version stage aliases status statusMessage description source runId createdAt createdBy run { runId name } signature { inputs { name type required } outputs { name type required } params { name type default } } approvals { stage principal } } }
      }
      history(first: 100) {
        pageInfo { hasNextPage }
        edges { node { sequence action modelName version fromStage toStage detail reason principal time } }
      }
    }
    viewer { role }
  }
`);

const StageAtDocument = graphql(`
  query StageAt($name: String!, $stage: String!, $time: Time!) {
    modelStageAt(name: $name, stage: $stage, time: $time) { version reason principal time }
  }
`);

type Model = NonNullable<ModelQuery["registeredModel"]>;
type Version = Model["versions"]["edges"][number]["node"];
type Entry = Model["history"]["edges"][number]["node"];

export function ModelPage() {
  const { name } = useParams({ from: "/models/$name" });
  const search = useSearch({ from: "/models/$name" });
  const navigate = useNavigate({ from: "/models/$name" });
  const [state, setState] = useState<{ model?: Model | null; mayEdit?: boolean; problem?: ApiError }>({});
  const [moving, setMoving] = useState<Version>();
  const [rollingBack, setRollingBack] = useState(false);
  const [chosen, setChosen] = useState<readonly number[]>([]);
  const secret = useStore(token);
  const [tick, changed] = useVersionChanges(name);
  useTitle(name);
  useEffect(() => {
    let stale = false;
    ask(ModelDocument, { name }).then(({ registeredModel, viewer }) => {
      if (!stale) setState({ model: registeredModel ?? null, mayEdit: viewer.role !== "VIEWER" });
    }, (error: unknown) => {
      if (!stale) setState((before) => ({ ...before, problem: apiError(error) }));
    });
    return () => {
      stale = true;
    };
  }, [name, secret, tick]);
  const { model, mayEdit = false, problem } = state;
  if (problem && !model) return <div className={css.page}><p className="problem" role="alert">{problem.message}</p></div>;
  if (model === undefined) return <div className={css.page} aria-busy="true" />;
  if (model === null) return <div className="empty"><h2>There is no model {name}</h2><p><Link to="/models">All models</Link></p></div>;
  const versions = model.versions.edges.map(({ node }) => node);
  const production = versions.filter((version) => version.stage === "Production");
  const compared = search.from && search.to ? { from: Number(search.from), to: Number(search.to) } : undefined;
  const toggle = (version: number) => setChosen(chosen.includes(version) ? chosen.filter((one) => one !== version) : [...chosen.slice(-1), version]);
  const close = () => {
    setMoving(undefined);
    setRollingBack(false);
  };
  const finish = () => {
    close();
    changed();
  };
  return (
    <div className={css.page}>
      <p className="quiet"><Link to="/models">Models</Link></p>
      <div className={css.head}>
        <h1>{model.name}</h1>
        {production.length > 0
          ? production.map((version) => <Stage key={version.version} stage="Production" text={`version ${version.version} is in Production`} />)
          : <span className="quiet">nothing is in Production</span>}
        <span className="spring" />
        {mayEdit && <button type="button" onClick={() => setRollingBack(true)}>Roll back…</button>}
      </div>
      {model.description && <p className={css.reason}>{model.description}</p>}
      {compared && <VersionDiff name={name} from={compared.from} to={compared.to} onClose={() => navigate({ search: {} })} />}
      <div className={css.columns}>
        <div>
          <section className={`card ${css.card}`} aria-label="Versions">
            <div className="row">
              <h2>{count(model.versions.totalCount)} {model.versions.totalCount === 1 ? "version" : "versions"}</h2>
              <span className="spring" />
              <button type="button" disabled={chosen.length !== 2} title="Choose two versions" onClick={() => navigate({ search: { from: String(Math.min(...chosen)), to: String(Math.max(...chosen)) } })}>Compare</button>
            </div>
            <div className={css.scroll} tabIndex={0} role="region" aria-label="List of versions">
              <table className="plain">
                <thead><tr><th scope="col"><span className="visuallyHidden">Chosen</span></th><th scope="col">Version</th><th scope="col">Stage</th><th scope="col">Aliases</th><th scope="col">Run</th><th scope="col">Registered</th><th scope="col"><span className="visuallyHidden">Actions</span></th></tr></thead>
                <tbody>
                  {versions.map((version) => (
                    <tr key={version.version} className={chosen.includes(version.version) ? css.selected : undefined}>
                      <td><input type="checkbox" aria-label={`Choose version ${version.version}`} checked={chosen.includes(version.version)} onChange={() => toggle(version.version)} /></td>
                      <td className="num"><strong>{version.version}</strong>{version.status !== "READY" && <div className="quiet" title={version.statusMessage}>{version.status.toLowerCase().replace("_", " ")}</div>}</td>
                      <td><Stage stage={version.stage} />{version.approvals.map((approval) => <div key={approval.stage + approval.principal} className="quiet">approved for {approval.stage} by {approval.principal}</div>)}</td>
                      <td>{version.aliases.map((alias) => <span key={alias} className="chip">@{alias}</span>)}</td>
                      <td>{version.run ? <Link to="/runs/$runId" params={{ runId: version.run.runId }}>{version.run.name}</Link> : <span className="mono quiet">{version.runId.slice(0, 8)}</span>}</td>
                      <td className={css.time} title={`${moment(version.createdAt)} by ${version.createdBy}`}>{ago(version.createdAt)}</td>
                      <td>{mayEdit && <button type="button" aria-label={`Move version ${version.version}`} onClick={() => setMoving(version)}>Move…</button>}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            {model.versions.totalCount > versions.length && <p className="quiet">The newest {count(versions.length)}.</p>}
          </section>
          {model.rules.length > 0 && (
            <section className={`card ${css.card}`} aria-label="Rules">
              <h2>Rules</h2>
              <ul>{model.rules.map((rule) => <li key={rule.stage + rule.text}><Stage stage={rule.stage} />: {rule.text}</li>)}</ul>
            </section>
          )}
          <Signature version={production[0] ?? versions[0]} />
        </div>
        <div>
          <StageAt name={name} />
          <History entries={model.history.edges.map(({ node }) => node)} more={model.history.pageInfo.hasNextPage} />
        </div>
      </div>
      {moving && <TransitionDialog name={name} version={moving.version} from={moving.stage} onDone={finish} onClose={close} />}
      {rollingBack && <RollbackDialog name={name} onDone={finish} onClose={close} />}
    </div>
  );
}

function Signature({ version }: { version: Version | undefined }) {
  if (!version?.signature) return null;
  const { inputs, outputs, params } = version.signature;
  const fields: [string, { name: string; type: string; note: string }[]][] = [
    ["What is sent", inputs.map((field) => ({ ...field, note: field.required ? "" : "optional" }))],
    ["What comes back", outputs.map((field) => ({ ...field, note: "" }))],
    ["Parameters", params.map((param) => ({ ...param, note: `${param.default} by default` }))],
  ];
  return (
    <section className={`card ${css.card}`} aria-label="Signature">
      <h2>Signature of version {version.version}</h2>
      <table className="plain">
        {fields.filter(([, list]) => list.length > 0).map(([words, list]) => (
          <tbody key={words}>
            <tr><th scope="rowgroup" colSpan={3}>{words}</th></tr>
            {list.map((field, index) => <tr key={field.name || index}><td className={css.wide}>{field.name || `[${index}]`}</td><td className={`mono ${css.wide}`}>{field.type}</td><td className="quiet">{field.note}</td></tr>)}
          </tbody>
        ))}
      </table>
    </section>
  );
}

/** A point in time as <input type="datetime-local"> has it: local, without a zone. */
const local = (time: Date): string => new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);

function StageAt({ name }: { name: string }) {
  const [stage, setStage] = useState("Production");
  const [time, setTime] = useState(() => local(new Date()));
  const [answer, setAnswer] = useState<string>();
  return (
    <section className={`card ${css.card}`} aria-label="At a time">
      <h2>What was in a stage, and when</h2>
      <form
        className="row"
        onSubmit={async (event) => {
          event.preventDefault();
          try {
            const at = new Date(time);
            const { modelStageAt } = await ask(StageAtDocument, { name, stage, time: at.toISOString() });
            setAnswer(modelStageAt.length === 0
              ? `Nothing was in ${stage} at ${moment(at.toISOString())}.`
              : modelStageAt.map((entry) => `Version ${entry.version} was in ${stage}, put there by ${entry.principal} at ${moment(entry.time)}${entry.reason ? `: ${entry.reason}` : "."}`).join("\n"));
          } catch (error) {
            setAnswer(apiError(error).message);
          }
        }}
      >
        <select aria-label="Stage" value={stage} onChange={(event) => setStage(event.target.value)}>{["Production", "Staging", "Archived"].map((one) => <option key={one}>{one}</option>)}</select>
        <input type="datetime-local" step="1" aria-label="Time" required value={time} onChange={(event) => setTime(event.target.value)} />
        <button type="submit">Ask</button>
      </form>
      <p className={`${css.reason} ${css.answer}`} role="status">{answer}</p>
    </section>
  );
}

const words: Record<string, (entry: Entry) => string> = {
  TRANSITION: (entry) => `Version ${entry.version}: ${entry.fromStage || "None"} → ${entry.toStage}`,
  ROLLBACK: (entry) => `Version ${entry.version} rolled back: ${entry.fromStage || "None"} → ${entry.toStage}`,
  DELETION: (entry) => `Version ${entry.version} deleted`,
  APPROVAL: (entry) => `Version ${entry.version} approved for ${entry.toStage}`,
  WITHDRAWAL: (entry) => `Approval of version ${entry.version} for ${entry.toStage} withdrawn`,
  RULE: (entry) => `Rule for ${entry.toStage}: ${entry.detail}`,
  RULE_REMOVAL: (entry) => `Rule for ${entry.toStage} removed: ${entry.detail}`,
  RENAMING: (entry) => `Renamed from ${entry.detail} to ${entry.modelName}`,
  MODEL_DELETION: () => "Model deleted",
};

function History({ entries, more }: { entries: readonly Entry[]; more: boolean }) {
  return (
    <section className={`card ${css.card}`} aria-label="History">
      <h2>History</h2>
      {entries.length === 0 && <p className="quiet">No version was moved yet.</p>}
      <ol className={css.timeline}>
        {entries.map((entry) => (
          <li key={String(entry.sequence)}>
            <strong>{words[entry.action]?.(entry) ?? entry.action}</strong>
            <div className={css.when}>{moment(entry.time)} by {entry.principal}</div>
            {entry.reason && <div className={css.reason}>{entry.reason}</div>}
          </li>
        ))}
      </ol>
      {more && <p className="quiet">The newest {count(entries.length)}; `cairn models history` has all.</p>}
    </section>
  );
}
