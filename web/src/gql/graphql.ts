/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** What a new version is made of. */
export type CreateModelVersionInput = {
  /** Make the registered model when there is none of this name. */
  createModel?: boolean;
  /** At most 65,536 bytes. */
  description?: string;
  /** The same key with the same input gives the version made the first time. At most 255 characters. */
  idempotencyKey?: string | null | undefined;
  /** The logged model, where the source does not say so. */
  modelId?: string | null | undefined;
  /** The model's name. */
  name: string;
  /** The run that made it, where the source does not say so; perhaps of another server, with runLink to it. */
  runId?: string | null | undefined;
  /** A link to the run. */
  runLink?: string | null | undefined;
  /** MLflow's signature as JSON, where this server cannot read the file MLmodel. */
  signature?: string | null | undefined;
  /**
   * runs:/RUN/PATH, models:/LOGGED_MODEL (m-…), another version (models:/NAME/3 and the like), or the URI of files that lie
   * elsewhere, such as s3://….
   */
  source: string;
  /** At most 1,000. */
  tags?: Array<TagInput> | null | undefined;
};

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

/** What happened to a model. */
export type ModelHistoryAction =
  /** Somebody approved of a version. */
  | 'APPROVAL'
  /** A version was deleted. */
  | 'DELETION'
  /** The model was deleted. */
  | 'MODEL_DELETION'
  /** The model got another name; `detail` is the one before. */
  | 'RENAMING'
  /** A version came back into a stage. */
  | 'ROLLBACK'
  /** A rule was set. */
  | 'RULE'
  /** A rule was removed. */
  | 'RULE_REMOVAL'
  /** A version came into a stage. */
  | 'TRANSITION'
  /** An approval was taken back. */
  | 'WITHDRAWAL';

/** What a rule asks for. */
export type ModelRuleKind =
  /** Somebody else than who asks for the transition has approved. */
  | 'APPROVAL'
  /** A metric is at least as good as that of the version that is replaced. */
  | 'METRIC'
  /** The signature is that of the version that is replaced. */
  | 'SIGNATURE'
  /** A tag is set. */
  | 'TAG';

/** What happened to a version. */
export type ModelVersionChangeKind =
  /** It was deleted: a client that shows it drops it. */
  | 'DELETED'
  /** It was made, or anything of it changed: its stage, aliases, tags, description, or the name of its model. */
  | 'UPDATED';

/**
 * A version of a registered model: by its number, a stage (the newest in it), an alias, or as the latest; or all of it as a URI:
 * models:/NAME/3, models:/NAME/Production, models:/NAME@ALIAS, models:/NAME/latest.
 */
export type ModelVersionRef = {
  /** The version of this alias. */
  alias?: string | null | undefined;
  /** True for the version with the greatest number. */
  latest?: boolean | null | undefined;
  /** The model's name. */
  name?: string | null | undefined;
  /** The newest version in this stage. */
  stage?: string | null | undefined;
  /** All of it as a URI; then nothing else is given. */
  uri?: string | null | undefined;
  /** The version's number, from 1 on. */
  version?: number | null | undefined;
};

/** How far a version is. */
export type ModelVersionStatus =
  /** It could not be registered. */
  | 'FAILED_REGISTRATION'
  /** It is being registered. */
  | 'PENDING_REGISTRATION'
  /** It is registered. */
  | 'READY';

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

/** A part of a signature. */
export type SchemaPart =
  /** What is sent. */
  | 'INPUT'
  /** What comes back. */
  | 'OUTPUT'
  /** A parameter of inference. */
  | 'PARAM';

/** Whether callers of one signature break with another. */
export type SchemaVerdict =
  /** Callers of the first version fail with the second, or miss something in its answer. */
  | 'BREAKING'
  /** There are changes, and no caller breaks. */
  | 'COMPATIBLE'
  /** They are the same. */
  | 'SAME'
  /** One of the versions has no signature. */
  | 'UNKNOWN';

/** A key and its value. */
export type TagInput = {
  /**
   * Of a run: a value that somebody set without keepExisting stays, and this one gives way to any such. So write autolog
   * adapters. It means nothing for other objects.
   */
  keepExisting?: boolean;
  /** 1 to 250 letters, digits, "_", "-", ".", ":", " " and "/". */
  key: string;
  /** At most 65,536 bytes. */
  value: string;
};

/** A version's coming into a stage. */
export type TransitionModelVersionStageInput = {
  /** Archive all other versions that are in the stage: for Staging and Production. */
  archiveExistingVersions?: boolean;
  /** Do all of it, with the rules, and keep nothing: what comes back is as it would be. */
  dryRun?: boolean;
  /** The model's name. */
  name: string;
  /** Kept in the history; at most 8,192 bytes. */
  reason?: string;
  /** None, Staging, Production or Archived. */
  stage: string;
  /** The version. */
  version: number;
};

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

export type ModelQueryVariables = Exact<{
  name: string;
}>;


export type ModelQuery = { registeredModel: { name: string, description: string, createdAt: string, createdBy: string, tags: Array<{ key: string, value: string }>, aliases: Array<{ alias: string, version: number }>, rules: Array<{ stage: string, kind: ModelRuleKind, text: string }>, versions: { totalCount: number, edges: Array<{ node: { version: number, stage: string, aliases: Array<string>, status: ModelVersionStatus, statusMessage: string, description: string, source: string, runId: string, createdAt: string, createdBy: string, run: { runId: string, name: string } | null, signature: { inputs: Array<{ name: string, type: string, required: boolean }>, outputs: Array<{ name: string, type: string, required: boolean }>, params: Array<{ name: string, type: string, default: string }> } | null, approvals: Array<{ stage: string, principal: string }> } }> }, history: { pageInfo: { hasNextPage: boolean }, edges: Array<{ node: { sequence: number, action: ModelHistoryAction, modelName: string, version: number, fromStage: string, toStage: string, detail: string, reason: string, principal: string, time: string } }> } } | null, viewer: { role: Role } };

export type StageAtQueryVariables = Exact<{
  name: string;
  stage: string;
  time: string;
}>;


export type StageAtQuery = { modelStageAt: Array<{ version: number, reason: string, principal: string, time: string }> };

export type ModelsQueryVariables = Exact<{
  filter?: string | null | undefined;
  after?: string | null | undefined;
}>;


export type ModelsQuery = { registeredModels: { totalCount: number, pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { name: string, description: string, updatedAt: string, aliases: Array<{ alias: string, version: number }>, latestVersions: Array<{ version: number, stage: string }>, versions: { totalCount: number } } }> } };

export type SomeVersionChangedSubscriptionVariables = Exact<{
  names?: Array<string> | string | null | undefined;
  after?: string | null | undefined;
}>;


export type SomeVersionChangedSubscription = { modelVersionsChanged: { cursor: string, changes: Array<{ kind: ModelVersionChangeKind }> } };

export type RegisterMutationVariables = Exact<{
  input: CreateModelVersionInput;
}>;


export type RegisterMutation = { createModelVersion: { name: string, version: number } };

export type TransitionMutationVariables = Exact<{
  input: TransitionModelVersionStageInput;
}>;


export type TransitionMutation = { transitionModelVersionStage: { version: number, stage: string } };

export type RollbackMutationVariables = Exact<{
  name: string;
  stage: string;
  reason: string;
  dryRun: boolean;
}>;


export type RollbackMutation = { rollbackModelStage: { version: number, stage: string } };

export type CompareVersionsQueryVariables = Exact<{
  from: ModelVersionRef;
  to: ModelVersionRef;
}>;


export type CompareVersionsQuery = { compareModelVersions: { verdict: SchemaVerdict, complete: boolean, parts: Array<string>, schema: Array<{ part: SchemaPart, name: string, from: string | null, to: string | null, breaks: boolean, why: string }>, params: Array<{ key: string, from: string | null, to: string | null }>, metrics: Array<{ key: string, from: number | string | null, to: number | string | null }>, data: Array<{ name: string, context: string, fromDigest: string | null, toDigest: string | null }>, dependencies: Array<{ key: string, from: string | null, to: string | null }> } };

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
export const ModelDocument = new TypedDocumentString(`
    query Model($name: String!) {
  registeredModel(name: $name) {
    name
    description
    createdAt
    createdBy
    tags {
      key
      value
    }
    aliases {
      alias
      version
    }
    rules {
      stage
      kind
      text
    }
    versions(first: 100) {
      totalCount
      edges {
        node {
          version
          stage
          aliases
          status
          statusMessage
          description
          source
          runId
          createdAt
          createdBy
          run {
            runId
            name
          }
          signature {
            inputs {
              name
              type
              required
            }
            outputs {
              name
              type
              required
            }
            params {
              name
              type
              default
            }
          }
          approvals {
            stage
            principal
          }
        }
      }
    }
    history(first: 100) {
      pageInfo {
        hasNextPage
      }
      edges {
        node {
          sequence
          action
          modelName
          version
          fromStage
          toStage
          detail
          reason
          principal
          time
        }
      }
    }
  }
  viewer {
    role
  }
}
    `) as unknown as TypedDocumentString<ModelQuery, ModelQueryVariables>;
export const StageAtDocument = new TypedDocumentString(`
    query StageAt($name: String!, $stage: String!, $time: Time!) {
  modelStageAt(name: $name, stage: $stage, time: $time) {
    version
    reason
    principal
    time
  }
}
    `) as unknown as TypedDocumentString<StageAtQuery, StageAtQueryVariables>;
export const ModelsDocument = new TypedDocumentString(`
    query Models($filter: String, $after: String) {
  registeredModels(
    filter: $filter
    orderBy: ["last_updated_timestamp DESC"]
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
        name
        description
        updatedAt
        aliases {
          alias
          version
        }
        latestVersions(stages: ["Production", "Staging"]) {
          version
          stage
        }
        versions(first: 1) {
          totalCount
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ModelsQuery, ModelsQueryVariables>;
export const SomeVersionChangedDocument = new TypedDocumentString(`
    subscription SomeVersionChanged($names: [String!], $after: String) {
  modelVersionsChanged(names: $names, after: $after, maxRate: 2) {
    cursor
    changes {
      kind
    }
  }
}
    `) as unknown as TypedDocumentString<SomeVersionChangedSubscription, SomeVersionChangedSubscriptionVariables>;
export const RegisterDocument = new TypedDocumentString(`
    mutation Register($input: CreateModelVersionInput!) {
  createModelVersion(input: $input) {
    name
    version
  }
}
    `) as unknown as TypedDocumentString<RegisterMutation, RegisterMutationVariables>;
export const TransitionDocument = new TypedDocumentString(`
    mutation Transition($input: TransitionModelVersionStageInput!) {
  transitionModelVersionStage(input: $input) {
    version
    stage
  }
}
    `) as unknown as TypedDocumentString<TransitionMutation, TransitionMutationVariables>;
export const RollbackDocument = new TypedDocumentString(`
    mutation Rollback($name: String!, $stage: String!, $reason: String!, $dryRun: Boolean!) {
  rollbackModelStage(name: $name, stage: $stage, reason: $reason, dryRun: $dryRun) {
    version
    stage
  }
}
    `) as unknown as TypedDocumentString<RollbackMutation, RollbackMutationVariables>;
export const CompareVersionsDocument = new TypedDocumentString(`
    query CompareVersions($from: ModelVersionRef!, $to: ModelVersionRef!) {
  compareModelVersions(from: $from, to: $to) {
    verdict
    complete
    parts
    schema {
      part
      name
      from
      to
      breaks
      why
    }
    params {
      key
      from
      to
    }
    metrics {
      key
      from
      to
    }
    data {
      name
      context
      fromDigest
      toDigest
    }
    dependencies {
      key
      from
      to
    }
  }
}
    `) as unknown as TypedDocumentString<CompareVersionsQuery, CompareVersionsQueryVariables>;
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