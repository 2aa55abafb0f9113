import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { type ApiError, apiError, ask, follow } from "../api/client.ts";
import { token } from "../api/session.ts";
import { ago, count, moment } from "../format.ts";
import { graphql } from "../gql/index.ts";
import type { ModelsQuery } from "../gql/graphql.ts";
import { useStore } from "../store.ts";
import { SearchField } from "../ui/Field.tsx";
import { useTitle } from "../ui/title.ts";
import css from "./Models.module.css";
import { Stage } from "./Stage.tsx";

const ModelsDocument = graphql(`
  query Models($filter: String, $after: String) {
    registeredModels(filter: $filter, orderBy: ["last_updated_timestamp DESC"], first: 100, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges {
        node {
          name
          description
          updatedAt
          aliases { alias version }
          latestVersions(stages: ["Production", "Staging"]) { version stage }
          versions(first: 1) { totalCount }
        }
      }
    }
  }
`);

const SomeVersionChangedDocument = graphql(`
  subscription SomeVersionChanged($names: [String!], $after: String) {
    modelVersionsChanged(names: $names, after: $after, maxRate: 2) { cursor changes { kind } }
  }
`);

type Model = ModelsQuery["registeredModels"]["edges"][number]["node"];

/** Counts changes of versions of some models, or of all. */
export function useVersionChanges(name?: string): [number, () => void] {
  const [tick, setTick] = useState(0);
  const secret = useStore(token);
  useEffect(() => follow(SomeVersionChangedDocument, { names: name === undefined ? null : [name] }, ({ modelVersionsChanged }) => {
    if (modelVersionsChanged.changes.length > 0) setTick((before) => before + 1);
    return modelVersionsChanged.cursor;
  }), [name, secret]);
  return [tick, () => setTick((before) => before + 1)];
}

export function ModelsPage() {
  useTitle("Models");
  const search = useSearch({ from: "/models" });
  const navigate = useNavigate({ from: "/models" });
  const [models, setModels] = useState<Model[]>([]);
  const [page, setPage] = useState<{ total: number; after: string | null }>();
  const [problem, setProblem] = useState<ApiError>();
  const secret = useStore(token);
  const [tick] = useVersionChanges();
  const filter = search.q ? `name ILIKE '%${search.q.replaceAll("'", "''")}%'` : null;
  const load = (after: string | null) => ask(ModelsDocument, { filter, after }).then(({ registeredModels: { edges, pageInfo, totalCount } }) => ({
    models: edges.map(({ node }) => node), page: { total: totalCount, after: pageInfo.hasNextPage ? pageInfo.endCursor ?? null : null },
  }));
  useEffect(() => {
    let stale = false;
    load(null).then((found) => {
      if (stale) return;
      setModels(found.models);
      setPage(found.page);
      setProblem(undefined);
    }, (error: unknown) => {
      if (!stale) setProblem(apiError(error));
    });
    return () => {
      stale = true;
    };
  }, [filter, secret, tick]); // eslint-disable-line react/exhaustive-deps -- load is of filter
  return (
    <div className={css.page}>
      <div className={css.head}>
        <h1>Models</h1>
        <span className="quiet" aria-live="polite">{page && `${count(page.total)} ${page.total === 1 ? "model" : "models"}`}</span>
        <span className="spring" />
        <SearchField label="Search models by name" placeholder="Search by name" value={search.q ?? ""} onChange={(q) => navigate({ search: { q: q || undefined }, replace: true })} />
      </div>
      {problem && <p className="problem" role="alert">{problem.message}</p>}
      {models.length > 0 && (
        <div className={`card ${css.scroll}`} tabIndex={0} role="region" aria-label="List of models">
          <table className="plain">
            <thead><tr><th scope="col">Model</th><th scope="col">Production</th><th scope="col">Staging</th><th scope="col">Aliases</th><th scope="col" className="num">Versions</th><th scope="col">Changed</th></tr></thead>
            <tbody>
              {models.map((model) => (
                <tr key={model.name}>
                  <td><Link to="/models/$name" params={{ name: model.name }} className={css.name}>{model.name}</Link>{model.description && <div className={`quiet ${css.note}`}>{model.description}</div>}</td>
                  {["Production", "Staging"].map((stage) => {
                    const version = model.latestVersions.find((one) => one.stage === stage);
                    return <td key={stage}>{version && <Stage stage={stage} text={`version ${version.version}`} />}</td>;
                  })}
                  <td>{model.aliases.map(({ alias, version }) => <span key={alias} className="chip">@{alias} → {version}</span>)}</td>
                  <td className="num">{count(model.versions.totalCount)}</td>
                  <td className={css.time} title={moment(model.updatedAt)}>{ago(model.updatedAt)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {page?.after && <p><button type="button" onClick={() => load(page.after).then((found) => { setModels([...models, ...found.models]); setPage(found.page); }, (error: unknown) => setProblem(apiError(error)))}>Show more</button></p>}
      {page && models.length === 0 && !problem && <div className="empty"><h2>{search.q ? "No model matches" : "No registered model yet"}</h2>{!search.q && <p>Register one from the page of its run, with <code>cairn models register</code>, or with an MLflow client.</p>}</div>}
    </div>
  );
}
