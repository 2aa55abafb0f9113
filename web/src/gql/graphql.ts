/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** The order of experiments. */
export type ExperimentOrder = {
  /** Which way. */
  direction?: OrderDirection;
  /** What they are ordered by. */
  field: ExperimentOrderField;
};

/** What experiments are ordered by. */
export type ExperimentOrderField =
  /** When they were made. */
  | 'CREATED_AT'
  /** The name, by its bytes. */
  | 'NAME'
  /** When anything of them changed last. */
  | 'UPDATED_AT';

/** Which direction of a metric is better. */
export type Goal =
  /** More is better. */
  | 'MAXIMIZE'
  /** Less is better. */
  | 'MINIMIZE';

/** Whether an experiment, run or logged model is deleted. */
export type LifecycleStage =
  /** It is not deleted. */
  | 'active'
  /** It is deleted, and can be restored until garbage is collected. */
  | 'deleted';

/** What a metric is for. */
export type MetricRole =
  /** Times, throughput, memory, system metrics: not compared. */
  | 'MEASUREMENT'
  /** What the run is about; compared by a reproduction. */
  | 'RESULT';

/** Which way an order goes. */
export type OrderDirection =
  /** The least first. */
  | 'ASC'
  /** The greatest first. */
  | 'DESC';

/** What a principal may do. */
export type Role =
  /** Everything, tokens included. */
  | 'ADMIN'
  /** Read and record. */
  | 'EDITOR'
  /** Read everything. */
  | 'VIEWER';

/** What happened to a run in a set of runs. */
export type RunChangeKind =
  /** It matches and was not seen before in this subscription; with `first`, it came into the list. */
  | 'ENTERED'
  /** It changed and does not match, or was deleted: a client that shows it drops it. With `first`, it is not in the list any more. */
  | 'LEFT'
  /** It matches and changed; with `first`, it may also only have moved within the list. */
  | 'UPDATED';

/** What became of a run. */
export type RunStatus =
  /** It ended with an error. */
  | 'FAILED'
  /** It ended well. */
  | 'FINISHED'
  /** It was interrupted, or its heartbeat stayed away. */
  | 'KILLED'
  /** It runs. */
  | 'RUNNING'
  /** It waits to be run. */
  | 'SCHEDULED';

/** Which lifecycle stages a list shows. */
export type View =
  /** What is not deleted. */
  | 'ACTIVE'
  /** Both. */
  | 'ALL'
  /** What is deleted and can be restored. */
  | 'DELETED';

export type ExperimentsQueryVariables = Exact<{
  filter?: string | null | undefined;
  orderBy?: ExperimentOrder | null | undefined;
  view?: View | null | undefined;
  after?: string | null | undefined;
}>;


export type ExperimentsQuery = { experiments: { totalCount: number, pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { experimentId: string, name: string, lifecycleStage: LifecycleStage, createdAt: string, createdBy: string, tags: Array<{ key: string, value: string }>, all: { totalCount: number, edges: Array<{ node: { startTime: string } }> }, running: { totalCount: number }, failed: { totalCount: number } } }> } };

export type SomeRunChangedSubscriptionVariables = Exact<{
  after?: string | null | undefined;
}>;


export type SomeRunChangedSubscription = { runsChanged: { cursor: string, changes: Array<{ kind: RunChangeKind }> } };

export type RunQueryVariables = Exact<{
  id: string;
}>;


export type RunQuery = { run: { runId: string, name: string, status: RunStatus, statusReason: string, lifecycleStage: LifecycleStage, startTime: string, endTime: string | null, userId: string, createdBy: string, experiment: { experimentId: string, name: string }, parent: { runId: string, name: string } | null, children: { totalCount: number, edges: Array<{ node: { runId: string, name: string, status: RunStatus, startTime: string } }> }, params: Array<{ key: string, value: string }>, tags: Array<{ key: string, value: string }>, metricPage: { totalCount: number, edges: Array<{ node: { key: string, role: MetricRole, count: number, nanCount: number, last: { value: number | string, step: number | string }, min: { value: number | string, step: number | string } | null, max: { value: number | string, step: number | string } | null } }> }, inputs: Array<{ context: string, dataset: { name: string, digest: string, sourceType: string } }> } | null };

export type RunChangedSubscriptionVariables = Exact<{
  filter: string;
  after?: string | null | undefined;
}>;


export type RunChangedSubscription = { runsChanged: { cursor: string, changes: Array<{ kind: RunChangeKind }> } };

export type ExperimentHeadQueryVariables = Exact<{
  id: string;
}>;


export type ExperimentHeadQuery = { experiment: { experimentId: string, name: string, tags: Array<{ key: string, value: string }> } | null, viewer: { role: Role } };

export type DeleteRunMutationVariables = Exact<{
  runId: string;
}>;


export type DeleteRunMutation = { deleteRun: { runId: string } };

export type RestoreRunMutationVariables = Exact<{
  runId: string;
}>;


export type RestoreRunMutation = { restoreRun: { runId: string } };

export type FacetsQueryVariables = Exact<{
  experiments?: Array<string> | string | null | undefined;
  prefix: string;
}>;


export type FacetsQuery = { runFacets: { runs: number, metrics: { edges: Array<{ node: { key: string, runs: number, min: number | string | null, max: number | string | null } }>, pageInfo: { hasNextPage: boolean } }, params: { edges: Array<{ node: { key: string, runs: number, min: number | string | null, max: number | string | null } }>, pageInfo: { hasNextPage: boolean } }, tags: { edges: Array<{ node: { key: string, runs: number, min: number | string | null, max: number | string | null } }>, pageInfo: { hasNextPage: boolean } } } };

export type RunRowFragment = { runId: string, name: string, status: RunStatus, statusReason: string, lifecycleStage: LifecycleStage, startTime: string, endTime: string | null, userId: string, createdBy: string, experiment: { experimentId: string, name: string, metricGoals: Array<{ key: string, goal: Goal }> }, params: Array<{ key: string, value: string }>, tags: Array<{ key: string, value: string }>, metrics: Array<{ key: string, nanCount: number, last: { value: number | string }, min: { value: number | string } | null, max: { value: number | string } | null }> };

export type RunsQueryVariables = Exact<{
  experiments?: Array<string> | string | null | undefined;
  filter?: string | null | undefined;
  orderBy?: Array<string> | string | null | undefined;
  view?: View | null | undefined;
  topLevel: boolean;
  first: number;
  after?: string | null | undefined;
  params?: Array<string> | string | null | undefined;
  tags?: Array<string> | string | null | undefined;
  metrics?: Array<string> | string | null | undefined;
}>;


export type RunsQuery = { runs: { edges: Array<{ node: { runId: string, name: string, status: RunStatus, statusReason: string, lifecycleStage: LifecycleStage, startTime: string, endTime: string | null, userId: string, createdBy: string, experiment: { experimentId: string, name: string, metricGoals: Array<{ key: string, goal: Goal }> }, params: Array<{ key: string, value: string }>, tags: Array<{ key: string, value: string }>, metrics: Array<{ key: string, nanCount: number, last: { value: number | string }, min: { value: number | string } | null, max: { value: number | string } | null }> } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type RunCountQueryVariables = Exact<{
  experiments?: Array<string> | string | null | undefined;
  filter?: string | null | undefined;
  view?: View | null | undefined;
  topLevel: boolean;
}>;


export type RunCountQuery = { runs: { totalCount: number } };

export type RunsChangedSubscriptionVariables = Exact<{
  experiments?: Array<string> | string | null | undefined;
  filter?: string | null | undefined;
  topLevel: boolean;
  after?: string | null | undefined;
  params?: Array<string> | string | null | undefined;
  tags?: Array<string> | string | null | undefined;
  metrics?: Array<string> | string | null | undefined;
}>;


export type RunsChangedSubscription = { runsChanged: { cursor: string, changes: Array<{ kind: RunChangeKind, runId: string, run: { runId: string, name: string, status: RunStatus, statusReason: string, lifecycleStage: LifecycleStage, startTime: string, endTime: string | null, userId: string, createdBy: string, experiment: { experimentId: string, name: string, metricGoals: Array<{ key: string, goal: Goal }> }, params: Array<{ key: string, value: string }>, tags: Array<{ key: string, value: string }>, metrics: Array<{ key: string, nanCount: number, last: { value: number | string }, min: { value: number | string } | null, max: { value: number | string } | null }> } | null }> } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const RunRowFragmentDoc = new TypedDocumentString(`
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
  experiment {
    experimentId
    name
    metricGoals {
      key
      goal
    }
  }
  params(keys: $params) {
    key
    value
  }
  tags(keys: $tags) {
    key
    value
  }
  metrics(keys: $metrics) {
    key
    nanCount
    last {
      value
    }
    min {
      value
    }
    max {
      value
    }
  }
}
    `, {"fragmentName":"RunRow"}) as unknown as TypedDocumentString<RunRowFragment, unknown>;
export const ExperimentsDocument = new TypedDocumentString(`
    query Experiments($filter: String, $orderBy: ExperimentOrder, $view: View, $after: String) {
  experiments(
    filter: $filter
    orderBy: $orderBy
    view: $view
    first: 100
    after: $after
  ) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        experimentId
        name
        lifecycleStage
        createdAt
        createdBy
        tags {
          key
          value
        }
        all: runs(first: 1) {
          totalCount
          edges {
            node {
              startTime
            }
          }
        }
        running: runs(filter: "status = 'RUNNING'", first: 1) {
          totalCount
        }
        failed: runs(filter: "status IN ('FAILED', 'KILLED')", first: 1) {
          totalCount
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ExperimentsQuery, ExperimentsQueryVariables>;
export const SomeRunChangedDocument = new TypedDocumentString(`
    subscription SomeRunChanged($after: String) {
  runsChanged(after: $after, maxRate: 1) {
    cursor
    changes {
      kind
    }
  }
}
    `) as unknown as TypedDocumentString<SomeRunChangedSubscription, SomeRunChangedSubscriptionVariables>;
export const RunDocument = new TypedDocumentString(`
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
    experiment {
      experimentId
      name
    }
    parent {
      runId
      name
    }
    children(first: 100) {
      totalCount
      edges {
        node {
          runId
          name
          status
          startTime
        }
      }
    }
    params {
      key
      value
    }
    tags {
      key
      value
    }
    metricPage(first: 200) {
      totalCount
      edges {
        node {
          key
          role
          count
          nanCount
          last {
            value
            step
          }
          min {
            value
            step
          }
          max {
            value
            step
          }
        }
      }
    }
    inputs {
      context
      dataset {
        name
        digest
        sourceType
      }
    }
  }
}
    `) as unknown as TypedDocumentString<RunQuery, RunQueryVariables>;
export const RunChangedDocument = new TypedDocumentString(`
    subscription RunChanged($filter: String!, $after: String) {
  runsChanged(filter: $filter, after: $after, maxRate: 1) {
    cursor
    changes {
      kind
    }
  }
}
    `) as unknown as TypedDocumentString<RunChangedSubscription, RunChangedSubscriptionVariables>;
export const ExperimentHeadDocument = new TypedDocumentString(`
    query ExperimentHead($id: ID!) {
  experiment(id: $id) {
    experimentId
    name
    tags {
      key
      value
    }
  }
  viewer {
    role
  }
}
    `) as unknown as TypedDocumentString<ExperimentHeadQuery, ExperimentHeadQueryVariables>;
export const DeleteRunDocument = new TypedDocumentString(`
    mutation DeleteRun($runId: ID!) {
  deleteRun(runId: $runId) {
    runId
  }
}
    `) as unknown as TypedDocumentString<DeleteRunMutation, DeleteRunMutationVariables>;
export const RestoreRunDocument = new TypedDocumentString(`
    mutation RestoreRun($runId: ID!) {
  restoreRun(runId: $runId) {
    runId
  }
}
    `) as unknown as TypedDocumentString<RestoreRunMutation, RestoreRunMutationVariables>;
export const FacetsDocument = new TypedDocumentString(`
    query Facets($experiments: [ID!], $prefix: String!) {
  runFacets(experiments: $experiments) {
    runs
    metrics(prefix: $prefix, first: 1000) {
      edges {
        node {
          key
          runs
          min
          max
        }
      }
      pageInfo {
        hasNextPage
      }
    }
    params(prefix: $prefix, first: 1000) {
      edges {
        node {
          key
          runs
          min
          max
        }
      }
      pageInfo {
        hasNextPage
      }
    }
    tags(prefix: $prefix, first: 1000) {
      edges {
        node {
          key
          runs
          min
          max
        }
      }
      pageInfo {
        hasNextPage
      }
    }
  }
}
    `) as unknown as TypedDocumentString<FacetsQuery, FacetsQueryVariables>;
export const RunsDocument = new TypedDocumentString(`
    query Runs($experiments: [ID!], $filter: String, $orderBy: [String!], $view: View, $topLevel: Boolean!, $first: Int!, $after: String, $params: [String!], $tags: [String!], $metrics: [String!]) {
  runs(
    experiments: $experiments
    filter: $filter
    orderBy: $orderBy
    view: $view
    topLevel: $topLevel
    first: $first
    after: $after
  ) {
    edges {
      node {
        ...RunRow
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
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
  experiment {
    experimentId
    name
    metricGoals {
      key
      goal
    }
  }
  params(keys: $params) {
    key
    value
  }
  tags(keys: $tags) {
    key
    value
  }
  metrics(keys: $metrics) {
    key
    nanCount
    last {
      value
    }
    min {
      value
    }
    max {
      value
    }
  }
}`) as unknown as TypedDocumentString<RunsQuery, RunsQueryVariables>;
export const RunCountDocument = new TypedDocumentString(`
    query RunCount($experiments: [ID!], $filter: String, $view: View, $topLevel: Boolean!) {
  runs(
    experiments: $experiments
    filter: $filter
    view: $view
    topLevel: $topLevel
    first: 1
  ) {
    totalCount
  }
}
    `) as unknown as TypedDocumentString<RunCountQuery, RunCountQueryVariables>;
export const RunsChangedDocument = new TypedDocumentString(`
    subscription RunsChanged($experiments: [ID!], $filter: String, $topLevel: Boolean!, $after: String, $params: [String!], $tags: [String!], $metrics: [String!]) {
  runsChanged(
    experiments: $experiments
    filter: $filter
    topLevel: $topLevel
    after: $after
    maxRate: 5
  ) {
    cursor
    changes {
      kind
      runId
      run {
        ...RunRow
      }
    }
  }
}
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
  experiment {
    experimentId
    name
    metricGoals {
      key
      goal
    }
  }
  params(keys: $params) {
    key
    value
  }
  tags(keys: $tags) {
    key
    value
  }
  metrics(keys: $metrics) {
    key
    nanCount
    last {
      value
    }
    min {
      value
    }
    max {
      value
    }
  }
}`) as unknown as TypedDocumentString<RunsChangedSubscription, RunsChangedSubscriptionVariables>;