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

/** Where console output was written to. */
export type LogStream =
  /** The standard error. */
  | 'STDERR'
  /** The standard output. */
  | 'STDOUT';

/** How far a logged model is. */
export type LoggedModelStatus =
  /** Its files are being uploaded. */
  | 'PENDING'
  /** Its files are all there. */
  | 'READY'
  /** Its files are not all there, and no more come. */
  | 'UPLOAD_FAILED';

/** What the points of a series are ordered and bounded by. */
export type MetricAxis =
  /** As TIME; ranges are in milliseconds since the run's start. */
  | 'RELATIVE_TIME'
  /** The step, and the time among equal steps. */
  | 'STEP'
  /** The time at which points were measured, in Unix milliseconds, and the step among equal times. */
  | 'TIME';

/** A range of the axis, both ends included: steps, or for the axes of time whole milliseconds. */
export type MetricRange = {
  /** The least; open when it is left out. */
  from?: number | string | null | undefined;
  /** The greatest; open when it is left out. */
  to?: number | string | null | undefined;
};

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

export type MetricSeriesQueryVariables = Exact<{
  runs: Array<string> | string;
  keys?: Array<string> | string | null | undefined;
  axis: MetricAxis;
  range?: MetricRange | null | undefined;
  maxPoints: number;
}>;


export type MetricSeriesQuery = { metricSeries: { cursor: string, series: Array<{ runId: string, key: string, exact: boolean, incomplete: boolean, totalPoints: number, stepScale: number, steps: string, times: string, min: string, max: string, last: string }> } };

export type MetricsAppendedSubscriptionVariables = Exact<{
  runs: Array<string> | string;
  keys?: Array<string> | string | null | undefined;
  after?: string | null | undefined;
}>;


export type MetricsAppendedSubscription = { metricsAppended: { cursor: string, series: Array<{ runId: string, key: string, stepScale: number, steps: string, times: string, values: string }> } };

export type CompareRunsQueryVariables = Exact<{
  runs: Array<string> | string;
}>;


export type CompareRunsQuery = { compareRuns: { runs: Array<{ runId: string, name: string, status: RunStatus, startTime: string, endTime: string | null, experiment: { name: string }, inputs: Array<{ context: string, dataset: { name: string, digest: string } }>, fingerprint: { codeHash: string, dataHash: string, dependenciesHash: string, seedsHash: string, commandHash: string, hardwareHash: string } | null }>, params: Array<{ key: string, values: Array<string | null>, differs: boolean }>, metrics: Array<{ key: string, last: Array<number | string | null>, differs: boolean }> } };

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

export type ArtifactsQueryVariables = Exact<{
  id: string;
  path: string;
  after?: string | null | undefined;
}>;


export type ArtifactsQuery = { run: { artifacts: { pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { path: string, isDir: boolean, size: number | null, downloadUrl: string | null } }> } } | null };

export type ModelArtifactsQueryVariables = Exact<{
  id: string;
  path: string;
  after?: string | null | undefined;
}>;


export type ModelArtifactsQuery = { loggedModel: { artifacts: { pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { path: string, isDir: boolean, size: number | null, downloadUrl: string | null } }> } } | null };

export type RunLogSubscriptionVariables = Exact<{
  run: string;
  after?: string | null | undefined;
}>;


export type RunLogSubscription = { runLogAppended: { cursor: string, chunks: Array<{ stream: LogStream, text: string }> } };

export type MetricGroupsQueryVariables = Exact<{
  id: string;
}>;


export type MetricGroupsQuery = { run: { metricGroups: Array<{ prefix: string, metrics: number, folder: boolean }> } | null };

export type MetricKeysQueryVariables = Exact<{
  id: string;
  prefix: string;
  after?: string | null | undefined;
}>;


export type MetricKeysQuery = { run: { metricPage: { totalCount: number, pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { key: string, role: MetricRole } }> } } | null };

export type RunQueryVariables = Exact<{
  id: string;
}>;


export type RunQuery = { run: { runId: string, name: string, status: RunStatus, statusReason: string, lifecycleStage: LifecycleStage, startTime: string, endTime: string | null, userId: string, createdBy: string, experiment: { experimentId: string, name: string }, parent: { runId: string, name: string } | null, children: { totalCount: number, edges: Array<{ node: { runId: string, name: string, status: RunStatus, startTime: string } }> }, params: Array<{ key: string, value: string }>, tags: Array<{ key: string, value: string }>, metricPage: { totalCount: number, edges: Array<{ node: { key: string, role: MetricRole, count: number, nanCount: number, last: { value: number | string, step: number | string }, min: { value: number | string, step: number | string } | null, max: { value: number | string, step: number | string } | null } }> }, inputs: Array<{ context: string, dataset: { name: string, digest: string, sourceType: string } }>, outputs: Array<{ step: number, model: { modelId: string, name: string, modelType: string, status: LoggedModelStatus, createdAt: string } }>, fingerprint: { codeHash: string, dataHash: string, dependenciesHash: string, seedsHash: string, commandHash: string, hardwareHash: string } | null } | null, viewer: { role: Role } };

export type RunChangedSubscriptionVariables = Exact<{
  filter: string;
  after?: string | null | undefined;
}>;


export type RunChangedSubscription = { runsChanged: { cursor: string, changes: Array<{ kind: RunChangeKind }> } };

export type SetTagMutationVariables = Exact<{
  runId: string;
  key: string;
  value: string;
}>;


export type SetTagMutation = { setTag: { runId: string } };

export type DeleteTagMutationVariables = Exact<{
  runId: string;
  key: string;
}>;


export type DeleteTagMutation = { deleteTag: { runId: string } };

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
export const MetricSeriesDocument = new TypedDocumentString(`
    query MetricSeries($runs: [ID!]!, $keys: [String!], $axis: MetricAxis!, $range: MetricRange, $maxPoints: Int!) {
  metricSeries(
    runs: $runs
    keys: $keys
    axis: $axis
    range: $range
    maxPoints: $maxPoints
  ) {
    cursor
    series {
      runId
      key
      exact
      incomplete
      totalPoints
      stepScale
      steps
      times
      min
      max
      last
    }
  }
}
    `) as unknown as TypedDocumentString<MetricSeriesQuery, MetricSeriesQueryVariables>;
export const MetricsAppendedDocument = new TypedDocumentString(`
    subscription MetricsAppended($runs: [ID!]!, $keys: [String!], $after: String) {
  metricsAppended(runs: $runs, keys: $keys, after: $after, maxRate: 20) {
    cursor
    series {
      runId
      key
      stepScale
      steps
      times
      values
    }
  }
}
    `) as unknown as TypedDocumentString<MetricsAppendedSubscription, MetricsAppendedSubscriptionVariables>;
export const CompareRunsDocument = new TypedDocumentString(`
    query CompareRuns($runs: [ID!]!) {
  compareRuns(runs: $runs) {
    runs {
      runId
      name
      status
      startTime
      endTime
      experiment {
        name
      }
      inputs {
        context
        dataset {
          name
          digest
        }
      }
      fingerprint {
        codeHash
        dataHash
        dependenciesHash
        seedsHash
        commandHash
        hardwareHash
      }
    }
    params {
      key
      values
      differs
    }
    metrics {
      key
      last
      differs
    }
  }
}
    `) as unknown as TypedDocumentString<CompareRunsQuery, CompareRunsQueryVariables>;
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
export const ArtifactsDocument = new TypedDocumentString(`
    query Artifacts($id: ID!, $path: String!, $after: String) {
  run(id: $id) {
    artifacts(path: $path, first: 1000, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          path
          isDir
          size
          downloadUrl
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ArtifactsQuery, ArtifactsQueryVariables>;
export const ModelArtifactsDocument = new TypedDocumentString(`
    query ModelArtifacts($id: ID!, $path: String!, $after: String) {
  loggedModel(id: $id) {
    artifacts(path: $path, first: 1000, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          path
          isDir
          size
          downloadUrl
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ModelArtifactsQuery, ModelArtifactsQueryVariables>;
export const RunLogDocument = new TypedDocumentString(`
    subscription RunLog($run: ID!, $after: String) {
  runLogAppended(run: $run, after: $after, maxRate: 10) {
    cursor
    chunks {
      stream
      text
    }
  }
}
    `) as unknown as TypedDocumentString<RunLogSubscription, RunLogSubscriptionVariables>;
export const MetricGroupsDocument = new TypedDocumentString(`
    query MetricGroups($id: ID!) {
  run(id: $id) {
    metricGroups {
      prefix
      metrics
      folder
    }
  }
}
    `) as unknown as TypedDocumentString<MetricGroupsQuery, MetricGroupsQueryVariables>;
export const MetricKeysDocument = new TypedDocumentString(`
    query MetricKeys($id: ID!, $prefix: String!, $after: String) {
  run(id: $id) {
    metricPage(prefix: $prefix, first: 60, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          key
          role
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<MetricKeysQuery, MetricKeysQueryVariables>;
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
    outputs {
      step
      model {
        modelId
        name
        modelType
        status
        createdAt
      }
    }
    fingerprint {
      codeHash
      dataHash
      dependenciesHash
      seedsHash
      commandHash
      hardwareHash
    }
  }
  viewer {
    role
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
export const SetTagDocument = new TypedDocumentString(`
    mutation SetTag($runId: ID!, $key: String!, $value: String!) {
  setTag(runId: $runId, key: $key, value: $value) {
    runId
  }
}
    `) as unknown as TypedDocumentString<SetTagMutation, SetTagMutationVariables>;
export const DeleteTagDocument = new TypedDocumentString(`
    mutation DeleteTag($runId: ID!, $key: String!) {
  deleteTag(runId: $runId, key: $key) {
    runId
  }
}
    `) as unknown as TypedDocumentString<DeleteTagMutation, DeleteTagMutationVariables>;
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