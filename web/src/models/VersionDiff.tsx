import { useEffect, useState } from "react";
import { type ApiError, apiError, ask } from "../api/client.ts";
import { number } from "../format.ts";
import { graphql } from "../gql/index.ts";
import type { CompareVersionsQuery } from "../gql/graphql.ts";
import css from "./Models.module.css";

const CompareVersionsDocument = graphql(`
  query CompareVersions($from: ModelVersionRef!, $to: ModelVersionRef!) {
    compareModelVersions(from: $from, to: $to) {
      verdict
      complete
      parts
      schema { part name from to breaks why }
      params { key from to }
      metrics { key from to }
      data { name context fromDigest toDigest }
      dependencies { key from to }
    }
  }
`);

type Comparison = CompareVersionsQuery["compareModelVersions"];

const verdicts: Record<Comparison["verdict"], [string, string]> = {
  SAME: ["✓", "Callers do not break: the signatures are the same"],
  COMPATIBLE: ["✓", "Callers do not break: the signatures differ, and fit"],
  BREAKING: ["✕", "Callers break"],
  UNKNOWN: ["?", "Nobody can say whether callers break: a version has no signature"],
};

const none = <span className="quiet">–</span>;

export function VersionDiff({ name, from, to, onClose }: { name: string; from: number; to: number; onClose: () => void }) {
  const [found, setFound] = useState<Comparison>();
  const [problem, setProblem] = useState<ApiError>();
  useEffect(() => {
    let stale = false;
    ask(CompareVersionsDocument, { from: { name, version: from }, to: { name, version: to } }).then(({ compareModelVersions }) => {
      if (!stale) setFound(compareModelVersions);
    }, (error: unknown) => {
      if (!stale) setProblem(apiError(error));
    });
    return () => {
      stale = true;
    };
  }, [name, from, to]);
  const sections: [string, { key: string; from: string | null; to: string | null }[]][] = found ? [
    ["Metrics", found.metrics.map((change) => ({ key: change.key, from: change.from == null ? null : number(change.from), to: change.to == null ? null : number(change.to) }))],
    ["Params", found.params.map((change) => ({ key: change.key, from: change.from ?? null, to: change.to ?? null }))],
    ["Data", found.data.map((change) => ({ key: change.name + (change.context ? ` (${change.context})` : ""), from: change.fromDigest ?? null, to: change.toDigest ?? null }))],
    ["Dependencies", found.dependencies.map((change) => ({ key: change.key, from: change.from ?? null, to: change.to ?? null }))],
  ] : [];
  return (
    <section className={`card ${css.card}`} aria-label={`Versions ${from} and ${to}`}>
      <div className="row"><h2>Version {from} and version {to}</h2><span className="spring" /><button type="button" className="plain" aria-label="Close the comparison" onClick={onClose}>✕</button></div>
      {problem && <p className="problem" role="alert">{problem.message}</p>}
      {found && (
        <>
          <p className={css.verdict} data-verdict={found.verdict}><span aria-hidden="true">{verdicts[found.verdict][0]}</span> {verdicts[found.verdict][1]}</p>
          {found.parts.length > 0 && <p>The runs differ in: {found.parts.join(", ")}.</p>}
          <div className={css.scroll} tabIndex={0} role="region" aria-label="Differences of the versions">
            <table className="plain">
              <thead><tr><th scope="col">What</th><th scope="col">Version {from}</th><th scope="col">Version {to}</th><th scope="col">For callers</th></tr></thead>
              {found.schema.length > 0 && (
                <tbody>
                  <tr><th scope="rowgroup" colSpan={4}>Signature</th></tr>
                  {found.schema.map((change) => (
                    <tr key={change.part + change.name}>
                      <td className={css.wide}>{change.part.toLowerCase()} {change.name}</td><td className={`mono ${css.wide}`}>{change.from ?? none}</td><td className={`mono ${css.wide}`}>{change.to ?? none}</td>
                      <td>{change.breaks ? <span className={css.breaks}>✕ breaks: </span> : ""}{change.why}</td>
                    </tr>
                  ))}
                </tbody>
              )}
              {sections.filter(([, rows]) => rows.length > 0).map(([words, rows]) => (
                <tbody key={words}>
                  <tr><th scope="rowgroup" colSpan={4}>{words}</th></tr>
                  {rows.map((row) => <tr key={row.key}><td className={css.wide}>{row.key}</td><td className={css.wide}>{row.from ?? none}</td><td className={css.wide} colSpan={2}>{row.to ?? none}</td></tr>)}
                </tbody>
              ))}
            </table>
          </div>
          {!found.complete && <p className="quiet">There are more differences than are shown.</p>}
        </>
      )}
    </section>
  );
}
