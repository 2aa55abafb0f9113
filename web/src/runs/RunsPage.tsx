import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { apiError, ask, change, connection } from "../api/client.ts";
import { token } from "../api/session.ts";
import { FirstRun } from "../experiments/ExperimentsPage.tsx";
import { count } from "../format.ts";
import { graphql } from "../gql/index.ts";
import { tell } from "../shell/notice.ts";
import { useStore } from "../store.ts";
import { useTitle } from "../ui/title.ts";
import { type Column, parseColumn } from "./columns.ts";
import { ColumnsPanel } from "./ColumnsPanel.tsx";
import { saveCsv } from "./csv.ts";
import { defaultColumns, type Facets, facets } from "./facets.ts";
import { FilterBox } from "./FilterBox.tsx";
import { Grid } from "./Grid.tsx";
import { type Criteria, RunList, type RunRow } from "./runlist.ts";
import css from "./RunsPage.module.css";
import { nextSort, orderBy, parseSort, type RunsSearch, sortText } from "./view.ts";

const ExperimentDocument = graphql(`
  query ExperimentHead($id: ID!) {
    experiment(id: $id) { experimentId name tags { key value } }
    viewer { role }
  }
`);

const DeleteRunDocument = graphql(`mutation DeleteRun($runId: ID!) { deleteRun(runId: $runId) { runId } }`);
const RestoreRunDocument = graphql(`mutation RestoreRun($runId: ID!) { restoreRun(runId: $runId) { runId } }`);

export function RunsOfAll() {
  const search = useSearch({ from: "/runs" });
  const navigate = useNavigate({ from: "/runs" });
  const set = useCallback((part: RunsSearch, replace = false) => void navigate({ search: (before) => ({ ...before, ...part }), replace }), [navigate]);
  return <RunsPage search={search} set={set} experimentId={undefined} />;
}

export function RunsOfExperiment() {
  const { experimentId } = useParams({ from: "/experiments/$experimentId" });
  const search = useSearch({ from: "/experiments/$experimentId" });
  const navigate = useNavigate({ from: "/experiments/$experimentId" });
  const set = useCallback((part: RunsSearch, replace = false) => void navigate({ search: (before) => ({ ...before, ...part }), replace }), [navigate]);
  return <RunsPage key={experimentId} search={search} set={set} experimentId={experimentId} />;
}

function useFacets(experiments: string[] | null) {
  const [found, setFound] = useState<Facets>();
  const secret = useStore(token);
  useEffect(() => {
    let stale = false;
    facets(experiments).then((all) => {
      if (!stale) setFound(all);
    }, () => {
      if (!stale) setFound({ runs: 0, keys: [], more: false });
    });
    return () => {
      stale = true;
    };
  }, [experiments, secret]);
  return found;
}

function useRunList(criteria: Criteria | undefined) {
  const secret = useStore(token);
  // A list for each question, and a new one for another token.
  const list = useMemo(() => ({ secret, list: criteria && new RunList(criteria) }).list, [criteria, secret]);
  useEffect(() => list?.start(), [list]);
  const [subscribe, get] = useMemo(() => [list?.subscribe ?? (() => () => {}), list?.get ?? (() => undefined)], [list]);
  return { list, snapshot: useSyncExternalStore(subscribe, get) };
}

/** Columns in which what is loaded is not all the same. */
export function differing(columns: readonly Column[], rows: readonly RunRow[]): Column[] {
  return columns.filter((column) => {
    if (column.kind === "attribute") return true;
    const first = rows[0]?.cells.get(column.id);
    return rows.some((row) => row.cells.get(column.id) !== first);
  });
}

function RunsPage({ search, set, experimentId }: { search: RunsSearch; set: (part: RunsSearch, replace?: boolean) => void; experimentId: string | undefined }) {
  const experiments = useMemo(() => (experimentId === undefined ? null : [experimentId]), [experimentId]);
  const [head, setHead] = useState<{ name: string; mayEdit: boolean; missing: boolean }>();
  const secret = useStore(token);
  useEffect(() => {
    let stale = false;
    ask(ExperimentDocument, { id: experimentId ?? "0" }).then(({ experiment, viewer }) => {
      if (!stale) setHead({ name: experiment?.name ?? "", mayEdit: viewer.role !== "VIEWER", missing: experimentId !== undefined && !experiment });
    }, () => {});
    return () => {
      stale = true;
    };
  }, [experimentId, secret]);
  const name = experimentId === undefined ? "All runs" : head?.name ?? `Experiment ${experimentId}`;
  useTitle(name);

  const found = useFacets(experiments);
  const columnsKey = search.col?.join("\n");
  const columns = useMemo(
    () => (columnsKey === undefined ? found && defaultColumns(found, experimentId === undefined) : columnsKey.split("\n").map(parseColumn).filter((column) => column !== undefined)),
    [columnsKey, found, experimentId],
  );
  const sort = useMemo(() => parseSort(search.sort), [search.sort]);
  const criteria = useMemo(
    (): Criteria | undefined => columns && {
      experiments, columns, filter: search.q ?? null, orderBy: orderBy(parseSort(search.sort)), deleted: search.view === "deleted", topLevel: search.top === "1",
    },
    [columns, experiments, search.q, search.sort, search.view, search.top],
  );
  const { list, snapshot } = useRunList(criteria);
  // Keys that come while the page is open are offered too.
  const [panel, setPanel] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const need = useCallback((index: number) => list?.need(index), [list]);

  const rows = useMemo(() => snapshot?.rows ?? [], [snapshot]);
  const pinned = useMemo(() => search.pin ?? [], [search.pin]);
  const shown = useMemo(() => (search.differ === "1" ? differing(columns ?? [], rows) : columns ?? []), [search.differ, columns, rows]);
  const base = useMemo(() => rows.find((row) => row.run.runId === search.base), [rows, search.base]);
  const total = snapshot ? Math.max(rows.length, snapshot.done ? rows.length : snapshot.total ?? rows.length) : 0;
  const selected = useMemo(() => new Set([...chosen].filter((id) => rows.some((row) => row.run.runId === id))), [chosen, rows]);
  const broken = useStore(connection) === "broken";

  const remove = async () => {
    const gone = [...selected];
    setChosen(new Set());
    try {
      for (const runId of gone) {
        await change(DeleteRunDocument, { runId });
        list?.drop(runId);
      }
      tell(gone.length === 1 ? "The run was deleted." : `${gone.length} runs were deleted.`, {
        undo: () => {
          Promise.all(gone.map((runId) => change(RestoreRunDocument, { runId }))).then(() => list?.refresh(), (error: unknown) => tell(apiError(error).message, { bad: true }));
        },
      });
    } catch (error) {
      tell(apiError(error).message, { bad: true });
      list?.refresh();
    }
  };
  const restore = async () => {
    try {
      for (const runId of selected) {
        await change(RestoreRunDocument, { runId });
        list?.drop(runId);
      }
      tell(selected.size === 1 ? "The run was restored." : `${selected.size} runs were restored.`);
    } catch (error) {
      tell(apiError(error).message, { bad: true });
    }
    setChosen(new Set());
  };

  if (head?.missing) return <div className="empty"><h2>There is no experiment {experimentId}</h2><p><Link to="/">All experiments</Link></p></div>;
  const nothing = snapshot?.done && rows.length === 0 && !snapshot.problem;
  return (
    <div className={css.page}>
      <div className={css.head}>
        <h1>{name}</h1>
        <span className="quiet" aria-live="polite">
          {snapshot?.total !== undefined && `${count(snapshot.total)} ${snapshot.total === 1 ? "run" : "runs"}`}
          {broken && " · as of when the connection was lost"}
        </span>
      </div>
      <div className={css.tools}>
        <FilterBox value={search.q ?? ""} problem={snapshot?.problem} found={found} onChange={(q) => set({ q: q || undefined })} />
        <button type="button" aria-expanded={panel} onClick={() => setPanel(!panel)}>Columns</button>
        <button type="button" aria-pressed={search.differ === "1"} title="Show only columns in which the loaded runs differ" onClick={() => set({ differ: search.differ === "1" ? undefined : "1" })}>Only differing</button>
        <button type="button" aria-pressed={search.top === "1"} title="Leave out runs that are children of others" onClick={() => set({ top: search.top === "1" ? undefined : "1" })}>Top level</button>
        <button type="button" aria-pressed={search.view === "deleted"} onClick={() => set({ view: search.view === "deleted" ? undefined : "deleted" })}>Deleted</button>
        <button type="button" disabled={!criteria || rows.length === 0} title="All runs that match, with these columns" onClick={() => criteria && saveCsv(criteria, shown, name)}>CSV</button>
      </div>
      {snapshot?.problem && snapshot.problem.field !== "filter" && <p className={`problem ${css.note}`} role="alert">{snapshot.problem.message}</p>}
      {selected.size > 0 && (
        <div className={css.actions} role="toolbar" aria-label="Selected runs">
          <strong>{selected.size} selected</strong>
          {selected.size > 1 && <Link to="/compare" search={{ run: rows.filter((row) => selected.has(row.run.runId)).slice(0, 500).map((row) => row.run.runId) }} className={css.compare}>Compare</Link>}
          {selected.size === 1 && <button type="button" onClick={() => set({ base: [...selected][0] === search.base ? undefined : [...selected][0] })}>{[...selected][0] === search.base ? "No baseline" : "Make it the baseline"}</button>}
          {head?.mayEdit && (search.view === "deleted" ? <button type="button" onClick={restore}>Restore</button> : <button type="button" className="danger" onClick={remove}>Delete</button>)}
          <button type="button" className="plain" onClick={() => setChosen(new Set())}>Clear</button>
        </div>
      )}
      {nothing && (search.q || search.view || search.top ? <div className="empty"><h2>No run matches</h2></div> : <FirstRun />)}
      <div className={css.body}>
        {snapshot && total > 0 && (
          <Grid
            rows={rows}
            total={total}
            columns={shown}
            pinned={pinned}
            sort={sort}
            onSort={(column) => set({ sort: sortText(nextSort(sort, column)) })}
            selected={selected}
            onSelect={setChosen}
            changed={snapshot.changed}
            need={need}
            base={base}
            label={`Runs of ${name}`}
          />
        )}
        {panel && columns && (
          <ColumnsPanel
            columns={columns}
            pinned={pinned}
            experiments={experiments}
            found={found}
            onColumns={(ids) => set({ col: ids.length > 0 ? ids : ["status"] }, true)}
            onPinned={(ids) => set({ pin: ids.length > 0 ? ids : undefined }, true)}
            onReset={() => set({ col: undefined, pin: undefined }, true)}
            onClose={() => setPanel(false)}
          />
        )}
      </div>
    </div>
  );
}

