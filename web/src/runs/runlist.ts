import { type ApiError, apiError, ask, follow } from "../api/client.ts";
import { graphql } from "../gql/index.ts";
import type { RunRowFragment } from "../gql/graphql.ts";
import { duration } from "../format.ts";
import type { Column } from "./columns.ts";

export const RunRowDocument = graphql(`
  fragment RunRow on Run {
    runId
    name
    status
    statusReason
    lifecycleStage
    startTime
    endTime
    userId
    createdBy
    experiment { experimentId name metricGoals { key goal } }
    params(keys: $params) { key value }
    tags(keys: $tags) { key value }
    metrics(keys: $metrics) { key nanCount last { value } min { value } max { value } }
  }
`);

const RunsDocument = graphql(`
  query Runs($experiments: [ID!], $filter: String, $orderBy: [String!], $view: View, $topLevel: Boolean!, $first: Int!, $after: String, $params: [String!], $tags: [String!], $metrics: [String!]) {
    runs(experiments: $experiments, filter: $filter, orderBy: $orderBy, view: $view, topLevel: $topLevel, first: $first, after: $after) {
      edges { node { ...RunRow } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const RunCountDocument = graphql(`
  query RunCount($experiments: [ID!], $filter: String, $view: View, $topLevel: Boolean!) {
    runs(experiments: $experiments, filter: $filter, view: $view, topLevel: $topLevel, first: 1) { totalCount }
  }
`);

const RunsChangedDocument = graphql(`
  subscription RunsChanged($experiments: [ID!], $filter: String, $topLevel: Boolean!, $after: String, $params: [String!], $tags: [String!], $metrics: [String!]) {
    runsChanged(experiments: $experiments, filter: $filter, topLevel: $topLevel, after: $after, maxRate: 5) {
      cursor
      changes { kind runId run { ...RunRow } }
    }
  }
`);

export type Cell = number | string | undefined;

/** A run as a row: what the chosen columns ask for, by the columns' ids. */
export interface RunRow {
  run: RunRowFragment;
  cells: Map<string, Cell>;
}

export interface Criteria {
  experiments: string[] | null;
  filter: string | null;
  orderBy: string[] | null;
  deleted: boolean;
  topLevel: boolean;
  columns: readonly Column[];
}

/** What a table shows of a list at one moment. */
export interface Snapshot {
  rows: readonly RunRow[];
  /** All runs that match; undefined until they are counted. */
  total: number | undefined;
  done: boolean;
  loading: boolean;
  problem: ApiError | undefined;
  /** Runs that changed a moment ago. */
  changed: ReadonlySet<string>;
}

const firstPage = 100;
const largePage = 500;
const recountMilliseconds = 1500;
const flashMilliseconds = 1600;
const reorderMilliseconds = 1000;

export function toRow(run: RunRowFragment, columns: readonly Column[]): RunRow {
  const params = new Map(run.params.map((param) => [param.key, param.value]));
  const tags = new Map(run.tags.map((tag) => [tag.key, tag.value]));
  const metrics = new Map(run.metrics.map((metric) => [metric.key, metric]));
  const goals = new Map(run.experiment.metricGoals.map(({ key, goal }) => [key, goal]));
  const cells = new Map<string, Cell>();
  for (const column of columns) {
    let value: Cell;
    if (column.kind === "param") value = params.get(column.key);
    else if (column.kind === "tag") value = tags.get(column.key);
    else if (column.kind === "metric") {
      const metric = metrics.get(column.key);
      const best = goals.get(column.key);
      if (metric) {
        if (column.aggregate === "min" || (column.aggregate === "best" && best === "MINIMIZE")) value = metric.min?.value;
        else if (column.aggregate === "max" || (column.aggregate === "best" && best === "MAXIMIZE")) value = metric.max?.value;
        else if (column.aggregate === "last") value = metric.last.value;
      }
    } else value = attribute(run, column.key);
    cells.set(column.id, value);
  }
  return { run, cells };
}

function attribute(run: RunRowFragment, key: string): Cell {
  switch (key) {
    case "run_name": return run.name;
    case "run_id": return run.runId;
    case "status": return run.status;
    case "start_time": return run.startTime;
    case "end_time": return run.endTime ?? undefined;
    case "duration": return run.endTime ? duration(Date.parse(run.endTime) - Date.parse(run.startTime)) : undefined;
    case "experiment": return run.experiment.name;
    case "user_id": return run.userId;
    case "created_by": return run.createdBy;
    default: return undefined;
  }
}

/**
 * All runs that match, page by page as they come into view, and live: a run that changes is put right where it stands. Where the order
 * is by what may change, what is loaded is asked for again, so that every run stands where the server has it.
 */
export class RunList {
  readonly criteria: Criteria;
  private rows: RunRow[] = [];
  private index = new Map<string, RunRow>();
  private snapshot: Snapshot = { rows: [], total: undefined, done: false, loading: true, problem: undefined, changed: new Set() };
  private readonly listeners = new Set<() => void>();
  private after: string | null = null;
  private wanted = 0;
  private running = false;
  private ended = false;
  private touched = new Set<string>();
  private readonly timers = new Map<string, number>();
  private unfollow: () => void = () => {};

  constructor(criteria: Criteria) {
    this.criteria = criteria;
  }

  start(): () => void {
    this.ended = false;
    // Following begins before the list is asked for: a change in between is in one of the two, or in both.
    if (!this.criteria.deleted) this.listen();
    void this.recount();
    void this.load();
    return () => {
      this.ended = true;
      this.unfollow();
      for (const timer of this.timers.values()) clearTimeout(timer);
      this.timers.clear();
    };
  }

  get = (): Snapshot => this.snapshot;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Says that the row of this index is in view. */
  need(index: number): void {
    if (index < this.wanted) return;
    this.wanted = index + 1;
    void this.load();
  }

  /** Takes out a run at once, before the server tells of it. */
  drop(runId: string): void {
    if (!this.index.delete(runId)) return;
    this.rows = this.rows.filter((row) => row.run.runId !== runId);
    this.tell({ total: this.snapshot.total === undefined ? undefined : this.snapshot.total - 1 });
    this.later("count", recountMilliseconds, () => this.recount());
  }

  /** Asks again for what is loaded. */
  refresh(): void {
    void this.reorder();
    void this.recount();
  }

  private get selection() {
    const keys = (kind: string) => [...new Set(this.criteria.columns.filter((column) => column.kind === kind).map((column) => column.key))];
    return { params: keys("param"), tags: keys("tag"), metrics: keys("metric") };
  }

  private get question() {
    const { experiments, filter, deleted, topLevel } = this.criteria;
    return { experiments, filter, topLevel, view: deleted ? "DELETED" as const : "ACTIVE" as const };
  }

  private tell(part: Partial<Snapshot>): void {
    if (this.ended) return;
    this.snapshot = { ...this.snapshot, rows: this.rows, ...part };
    for (const listener of this.listeners) listener();
  }

  private later(name: string, milliseconds: number, job: () => void): void {
    if (this.timers.has(name) || this.ended) return;
    this.timers.set(name, window.setTimeout(() => {
      this.timers.delete(name);
      job();
    }, milliseconds));
  }

  private async load(): Promise<void> {
    if (this.running || this.ended) return;
    this.running = true;
    try {
      while (!this.ended && !this.snapshot.done && (this.rows.length === 0 || this.rows.length < this.wanted + firstPage / 2)) {
        this.tell({ loading: true });
        this.touched = new Set();
        const first = this.rows.length === 0 ? firstPage : Math.min(largePage, Math.max(firstPage, this.wanted - this.rows.length));
        const { runs } = await ask(RunsDocument, { ...this.question, ...this.selection, orderBy: this.criteria.orderBy, first, after: this.after });
        if (this.ended) return;
        const added: RunRow[] = [];
        for (const { node } of runs.edges) {
          // One that came live while the page was under way is newer than the page.
          if (this.index.has(node.runId) || this.touched.has(node.runId)) continue;
          const row = toRow(node, this.criteria.columns);
          this.index.set(node.runId, row);
          added.push(row);
        }
        this.rows = [...this.rows, ...added];
        this.after = runs.pageInfo.endCursor ?? null;
        this.tell({ done: !runs.pageInfo.hasNextPage, loading: false, problem: undefined });
      }
    } catch (error) {
      this.tell({ problem: apiError(error), loading: false });
    } finally {
      this.running = false;
    }
  }

  private async recount(): Promise<void> {
    try {
      const { runs } = await ask(RunCountDocument, this.question);
      this.tell({ total: runs.totalCount });
    } catch {
      // The list itself says what is wrong.
    }
  }

  private listen(): void {
    const { experiments, filter, topLevel, columns } = this.criteria;
    this.unfollow = follow(RunsChangedDocument, { experiments, filter, topLevel, ...this.selection }, ({ runsChanged }) => {
      if (runsChanged.changes.length > 0) {
        const changed = new Set(this.snapshot.changed);
        for (const { runId, run } of runsChanged.changes) {
          this.touched.add(runId);
          changed.add(runId);
          if (run) this.put(toRow(run, columns));
          else if (this.index.delete(runId)) this.rows = this.rows.filter((row) => row.run.runId !== runId);
        }
        this.tell({ changed });
        this.later("flash", flashMilliseconds, () => this.tell({ changed: new Set() }));
        this.later("count", recountMilliseconds, () => this.recount());
        if (this.criteria.orderBy) this.later("order", reorderMilliseconds, () => void this.reorder());
      }
      return runsChanged.cursor;
    }, (error) => {
      // A filter that is refused is told by the list; a cursor that is too old begins anew.
      if (error.code === "INVALID_ARGUMENT" && error.field === "after") {
        this.unfollow();
        this.listen();
        this.refresh();
      }
    });
  }

  private put(row: RunRow): void {
    const { runId } = row.run;
    if (this.index.has(runId)) {
      this.rows = this.rows.map((old) => (old.run.runId === runId ? row : old));
    } else if (!this.criteria.orderBy) {
      const at = this.rows.findIndex((old) => old.run.startTime <= row.run.startTime);
      if (at < 0 && !this.snapshot.done) return; // older than all that is loaded: its page has it
      this.rows = at < 0 ? [...this.rows, row] : [...this.rows.slice(0, at), row, ...this.rows.slice(at)];
    } else {
      return; // where it stands, only the server knows: reorder asks
    }
    this.index.set(runId, row);
  }

  private async reorder(): Promise<void> {
    if (this.running) {
      this.later("order", reorderMilliseconds, () => void this.reorder());
      return;
    }
    this.running = true;
    try {
      const rows: RunRow[] = [];
      const upTo = Math.max(this.wanted, firstPage);
      let after: string | null = null;
      let more = true;
      while (more && rows.length < upTo) {
        const { runs }: Awaited<ReturnType<typeof ask<import("../gql/graphql.ts").RunsQuery, import("../gql/graphql.ts").RunsQueryVariables>>> = await ask(RunsDocument, {
          ...this.question, ...this.selection, orderBy: this.criteria.orderBy, first: Math.min(largePage, Math.max(firstPage, upTo - rows.length)), after,
        });
        if (this.ended) return;
        for (const { node } of runs.edges) rows.push(toRow(node, this.criteria.columns));
        after = runs.pageInfo.endCursor ?? null;
        more = runs.pageInfo.hasNextPage;
      }
      this.rows = rows;
      this.index = new Map(rows.map((row) => [row.run.runId, row]));
      this.after = after;
      this.tell({ done: !more, problem: undefined });
    } catch (error) {
      this.tell({ problem: apiError(error) });
    } finally {
      this.running = false;
    }
  }
}

/** Goes through all runs that match, in their order; onPage gives false to end it. */
export async function eachPage(criteria: Criteria, onPage: (rows: RunRow[]) => boolean): Promise<void> {
  const keys = (kind: string) => [...new Set(criteria.columns.filter((column) => column.kind === kind).map((column) => column.key))];
  let after: string | null = null;
  for (;;) {
    const { runs }: { runs: import("../gql/graphql.ts").RunsQuery["runs"] } = await ask(RunsDocument, {
      experiments: criteria.experiments, filter: criteria.filter, orderBy: criteria.orderBy, topLevel: criteria.topLevel,
      view: criteria.deleted ? "DELETED" as const : "ACTIVE" as const, first: largePage, after, params: keys("param"), tags: keys("tag"), metrics: keys("metric"),
    });
    if (!onPage(runs.edges.map(({ node }) => toRow(node, criteria.columns))) || !runs.pageInfo.hasNextPage) return;
    after = runs.pageInfo.endCursor ?? null;
  }
}
