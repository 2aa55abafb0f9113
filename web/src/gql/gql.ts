/* eslint-disable */
import * as types from './graphql';



/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  query MetricSeries($runs: [ID!]!, $keys: [String!], $axis: MetricAxis!, $range: MetricRange, $maxPoints: Int!) {\n    metricSeries(runs: $runs, keys: $keys, axis: $axis, range: $range, maxPoints: $maxPoints) {\n      cursor\n      series { runId key exact incomplete totalPoints stepScale steps times min max last }\n    }\n  }\n": typeof types.MetricSeriesDocument,
    "\n  subscription MetricsAppended($runs: [ID!]!, $keys: [String!], $after: String) {\n    metricsAppended(runs: $runs, keys: $keys, after: $after, maxRate: 20) {\n      cursor\n      series { runId key stepScale steps times values }\n    }\n  }\n": typeof types.MetricsAppendedDocument,
    "\n  query CompareRuns($runs: [ID!]!) {\n    compareRuns(runs: $runs) {\n      runs {\n        runId\n        name\n        status\n        startTime\n        endTime\n        experiment { name }\n        inputs { context dataset { name digest } }\n        fingerprint { codeHash dataHash dependenciesHash seedsHash commandHash hardwareHash }\n      }\n      params { key values differs }\n      metrics { key last differs }\n    }\n  }\n": typeof types.CompareRunsDocument,
    "\n  query Experiments($filter: String, $orderBy: ExperimentOrder, $view: View, $after: String) {\n    experiments(filter: $filter, orderBy: $orderBy, view: $view, first: 100, after: $after) {\n      totalCount\n      pageInfo { hasNextPage endCursor }\n      edges {\n        node {\n          experimentId\n          name\n          lifecycleStage\n          createdAt\n          createdBy\n          tags { key value }\n          all: runs(first: 1) { totalCount edges { node { startTime } } }\n          running: runs(filter: \"status = 'RUNNING'\", first: 1) { totalCount }\n          failed: runs(filter: \"status IN ('FAILED', 'KILLED')\", first: 1) { totalCount }\n        }\n      }\n    }\n  }\n": typeof types.ExperimentsDocument,
    "\n  subscription SomeRunChanged($after: String) {\n    runsChanged(after: $after, maxRate: 1) { cursor changes { kind } }\n  }\n": typeof types.SomeRunChangedDocument,
    "\n  query Model($name: String!) {\n    registeredModel(name: $name) {\n      name\n      description\n      createdAt\n      createdBy\n      tags { key value }\n      aliases { alias version }\n      rules { stage kind text }\n      versions(first: 100) {\n        totalCount\n        edges { node { version stage aliases status statusMessage description source runId createdAt createdBy run { runId name } signature { inputs { name type required } outputs { name type required } params { name type default } } approvals { stage principal } } }\n      }\n      history(first: 100) {\n        pageInfo { hasNextPage }\n        edges { node { sequence action modelName version fromStage toStage detail reason principal time } }\n      }\n    }\n    viewer { role }\n  }\n": typeof types.ModelDocument,
    "\n  query StageAt($name: String!, $stage: String!, $time: Time!) {\n    modelStageAt(name: $name, stage: $stage, time: $time) { version reason principal time }\n  }\n": typeof types.StageAtDocument,
    "\n  query Models($filter: String, $after: String) {\n    registeredModels(filter: $filter, orderBy: [\"last_updated_timestamp DESC\"], first: 100, after: $after) {\n      totalCount\n      pageInfo { hasNextPage endCursor }\n      edges {\n        node {\n          name\n          description\n          updatedAt\n          aliases { alias version }\n          latestVersions(stages: [\"Production\", \"Staging\"]) { version stage }\n          versions(first: 1) { totalCount }\n        }\n      }\n    }\n  }\n": typeof types.ModelsDocument,
    "\n  subscription SomeVersionChanged($names: [String!], $after: String) {\n    modelVersionsChanged(names: $names, after: $after, maxRate: 2) { cursor changes { kind } }\n  }\n": typeof types.SomeVersionChangedDocument,
    "\n  mutation Register($input: CreateModelVersionInput!) {\n    createModelVersion(input: $input) { name version }\n  }\n": typeof types.RegisterDocument,
    "\n  mutation Transition($input: TransitionModelVersionStageInput!) {\n    transitionModelVersionStage(input: $input) { version stage }\n  }\n": typeof types.TransitionDocument,
    "\n  mutation Rollback($name: String!, $stage: String!, $reason: String!, $dryRun: Boolean!) {\n    rollbackModelStage(name: $name, stage: $stage, reason: $reason, dryRun: $dryRun) { version stage }\n  }\n": typeof types.RollbackDocument,
    "\n  query CompareVersions($from: ModelVersionRef!, $to: ModelVersionRef!) {\n    compareModelVersions(from: $from, to: $to) {\n      verdict\n      complete\n      parts\n      schema { part name from to breaks why }\n      params { key from to }\n      metrics { key from to }\n      data { name context fromDigest toDigest }\n      dependencies { key from to }\n    }\n  }\n": typeof types.CompareVersionsDocument,
    "\n  query Artifacts($id: ID!, $path: String!, $after: String) {\n    run(id: $id) { artifacts(path: $path, first: 1000, after: $after) { pageInfo { hasNextPage endCursor } edges { node { path isDir size downloadUrl } } } }\n  }\n": typeof types.ArtifactsDocument,
    "\n  query ModelArtifacts($id: ID!, $path: String!, $after: String) {\n    loggedModel(id: $id) { artifacts(path: $path, first: 1000, after: $after) { pageInfo { hasNextPage endCursor } edges { node { path isDir size downloadUrl } } } }\n  }\n": typeof types.ModelArtifactsDocument,
    "\n  subscription RunLog($run: ID!, $after: String) {\n    runLogAppended(run: $run, after: $after, maxRate: 10) { cursor chunks { stream text } }\n  }\n": typeof types.RunLogDocument,
    "\n  query MetricGroups($id: ID!) {\n    run(id: $id) { metricGroups { prefix metrics folder } }\n  }\n": typeof types.MetricGroupsDocument,
    "\n  query MetricKeys($id: ID!, $prefix: String!, $after: String) {\n    run(id: $id) {\n      metricPage(prefix: $prefix, first: 60, after: $after) { totalCount pageInfo { hasNextPage endCursor } edges { node { key role } } }\n    }\n  }\n": typeof types.MetricKeysDocument,
    "\n  query Run($id: ID!) {\n    run(id: $id) {\n      runId\n      name\n      status\n      statusReason\n      lifecycleStage\n      startTime\n      endTime\n      userId\n      createdBy\n      experiment { experimentId name }\n      parent { runId name }\n      children(first: 100) { totalCount edges { node { runId name status startTime } } }\n      params { key value }\n      tags { key value }\n      metricPage(first: 200) {\n        totalCount\n        edges { node { key role count nanCount last { value step } min { value step } max { value step } } }\n      }\n      inputs { context dataset { name digest sourceType } }\n      outputs { step model { modelId name modelType status createdAt } }\n      fingerprint { codeHash dataHash dependenciesHash seedsHash commandHash hardwareHash }\n    }\n    viewer { role }\n  }\n": typeof types.RunDocument,
    "\n  subscription RunChanged($filter: String!, $after: String) {\n    runsChanged(filter: $filter, after: $after, maxRate: 1) { cursor changes { kind } }\n  }\n": typeof types.RunChangedDocument,
    "mutation SetTag($runId: ID!, $key: String!, $value: String!) { setTag(runId: $runId, key: $key, value: $value) { runId } }": typeof types.SetTagDocument,
    "mutation DeleteTag($runId: ID!, $key: String!) { deleteTag(runId: $runId, key: $key) { runId } }": typeof types.DeleteTagDocument,
    "\n  query ExperimentHead($id: ID!) {\n    experiment(id: $id) { experimentId name tags { key value } }\n    viewer { role }\n  }\n": typeof types.ExperimentHeadDocument,
    "mutation DeleteRun($runId: ID!) { deleteRun(runId: $runId) { runId } }": typeof types.DeleteRunDocument,
    "mutation RestoreRun($runId: ID!) { restoreRun(runId: $runId) { runId } }": typeof types.RestoreRunDocument,
    "\n  query Facets($experiments: [ID!], $prefix: String!) {\n    runFacets(experiments: $experiments) {\n      runs\n      metrics(prefix: $prefix, first: 1000) { edges { node { key runs min max } } pageInfo { hasNextPage } }\n      params(prefix: $prefix, first: 1000) { edges { node { key runs min max } } pageInfo { hasNextPage } }\n      tags(prefix: $prefix, first: 1000) { edges { node { key runs min max } } pageInfo { hasNextPage } }\n    }\n  }\n": typeof types.FacetsDocument,
    "\n  fragment RunRow on Run {\n    runId\n    name\n    status\n    statusReason\n    lifecycleStage\n    startTime\n    endTime\n    userId\n    createdBy\n    experiment { experimentId name metricGoals { key goal } }\n    params(keys: $params) { key value }\n    tags(keys: $tags) { key value }\n    metrics(keys: $metrics) { key nanCount last { value } min { value } max { value } }\n  }\n": typeof types.RunRowFragmentDoc,
    "\n  query Runs($experiments: [ID!], $filter: String, $orderBy: [String!], $view: View, $topLevel: Boolean!, $first: Int!, $after: String, $params: [String!], $tags: [String!], $metrics: [String!]) {\n    runs(experiments: $experiments, filter: $filter, orderBy: $orderBy, view: $view, topLevel: $topLevel, first: $first, after: $after) {\n      edges { node { ...RunRow } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": typeof types.RunsDocument,
    "\n  query RunCount($experiments: [ID!], $filter: String, $view: View, $topLevel: Boolean!) {\n    runs(experiments: $experiments, filter: $filter, view: $view, topLevel: $topLevel, first: 1) { totalCount }\n  }\n": typeof types.RunCountDocument,
    "\n  subscription RunsChanged($experiments: [ID!], $filter: String, $topLevel: Boolean!, $after: String, $params: [String!], $tags: [String!], $metrics: [String!]) {\n    runsChanged(experiments: $experiments, filter: $filter, topLevel: $topLevel, after: $after, maxRate: 5) {\n      cursor\n      changes { kind runId run { ...RunRow } }\n    }\n  }\n": typeof types.RunsChangedDocument,
};
const documents: Documents = {
    "\n  query MetricSeries($runs: [ID!]!, $keys: [String!], $axis: MetricAxis!, $range: MetricRange, $maxPoints: Int!) {\n    metricSeries(runs: $runs, keys: $keys, axis: $axis, range: $range, maxPoints: $maxPoints) {\n      cursor\n      series { runId key exact incomplete totalPoints stepScale steps times min max last }\n    }\n  }\n": types.MetricSeriesDocument,
    "\n  subscription MetricsAppended($runs: [ID!]!, $keys: [String!], $after: String) {\n    metricsAppended(runs: $runs, keys: $keys, after: $after, maxRate: 20) {\n      cursor\n      series { runId key stepScale steps times values }\n    }\n  }\n": types.MetricsAppendedDocument,
    "\n  query CompareRuns($runs: [ID!]!) {\n    compareRuns(runs: $runs) {\n      runs {\n        runId\n        name\n        status\n        startTime\n        endTime\n        experiment { name }\n        inputs { context dataset { name digest } }\n        fingerprint { codeHash dataHash dependenciesHash seedsHash commandHash hardwareHash }\n      }\n      params { key values differs }\n      metrics { key last differs }\n    }\n  }\n": types.CompareRunsDocument,
    "\n  query Experiments($filter: String, $orderBy: ExperimentOrder, $view: View, $after: String) {\n    experiments(filter: $filter, orderBy: $orderBy, view: $view, first: 100, after: $after) {\n      totalCount\n      pageInfo { hasNextPage endCursor }\n      edges {\n        node {\n          experimentId\n          name\n          lifecycleStage\n          createdAt\n          createdBy\n          tags { key value }\n          all: runs(first: 1) { totalCount edges { node { startTime } } }\n          running: runs(filter: \"status = 'RUNNING'\", first: 1) { totalCount }\n          failed: runs(filter: \"status IN ('FAILED', 'KILLED')\", first: 1) { totalCount }\n        }\n      }\n    }\n  }\n": types.ExperimentsDocument,
    "\n  subscription SomeRunChanged($after: String) {\n    runsChanged(after: $after, maxRate: 1) { cursor changes { kind } }\n  }\n": types.SomeRunChangedDocument,
    "\n  query Model($name: String!) {\n    registeredModel(name: $name) {\n      name\n      description\n      createdAt\n      createdBy\n      tags { key value }\n      aliases { alias version }\n      rules { stage kind text }\n      versions(first: 100) {\n        totalCount\n        edges { node { version stage aliases status statusMessage description source runId createdAt createdBy run { runId name } signature { inputs { name type required } outputs { name type required } params { name type default } } approvals { stage principal } } }\n      }\n      history(first: 100) {\n        pageInfo { hasNextPage }\n        edges { node { sequence action modelName version fromStage toStage detail reason principal time } }\n      }\n    }\n    viewer { role }\n  }\n": types.ModelDocument,
    "\n  query StageAt($name: String!, $stage: String!, $time: Time!) {\n    modelStageAt(name: $name, stage: $stage, time: $time) { version reason principal time }\n  }\n": types.StageAtDocument,
    "\n  query Models($filter: String, $after: String) {\n    registeredModels(filter: $filter, orderBy: [\"last_updated_timestamp DESC\"], first: 100, after: $after) {\n      totalCount\n      pageInfo { hasNextPage endCursor }\n      edges {\n        node {\n          name\n          description\n          updatedAt\n          aliases { alias version }\n          latestVersions(stages: [\"Production\", \"Staging\"]) { version stage }\n          versions(first: 1) { totalCount }\n        }\n      }\n    }\n  }\n": types.ModelsDocument,
    "\n  subscription SomeVersionChanged($names: [String!], $after: String) {\n    modelVersionsChanged(names: $names, after: $after, maxRate: 2) { cursor changes { kind } }\n  }\n": types.SomeVersionChangedDocument,
    "\n  mutation Register($input: CreateModelVersionInput!) {\n    createModelVersion(input: $input) { name version }\n  }\n": types.RegisterDocument,
    "\n  mutation Transition($input: TransitionModelVersionStageInput!) {\n    transitionModelVersionStage(input: $input) { version stage }\n  }\n": types.TransitionDocument,
    "\n  mutation Rollback($name: String!, $stage: String!, $reason: String!, $dryRun: Boolean!) {\n    rollbackModelStage(name: $name, stage: $stage, reason: $reason, dryRun: $dryRun) { version stage }\n  }\n": types.RollbackDocument,
    "\n  query CompareVersions($from: ModelVersionRef!, $to: ModelVersionRef!) {\n    compareModelVersions(from: $from, to: $to) {\n      verdict\n      complete\n      parts\n      schema { part name from to breaks why }\n      params { key from to }\n      metrics { key from to }\n      data { name context fromDigest toDigest }\n      dependencies { key from to }\n    }\n  }\n": types.CompareVersionsDocument,
    "\n  query Artifacts($id: ID!, $path: String!, $after: String) {\n    run(id: $id) { artifacts(path: $path, first: 1000, after: $after) { pageInfo { hasNextPage endCursor } edges { node { path isDir size downloadUrl } } } }\n  }\n": types.ArtifactsDocument,
    "\n  query ModelArtifacts($id: ID!, $path: String!, $after: String) {\n    loggedModel(id: $id) { artifacts(path: $path, first: 1000, after: $after) { pageInfo { hasNextPage endCursor } edges { node { path isDir size downloadUrl } } } }\n  }\n": types.ModelArtifactsDocument,
    "\n  subscription RunLog($run: ID!, $after: String) {\n    runLogAppended(run: $run, after: $after, maxRate: 10) { cursor chunks { stream text } }\n  }\n": types.RunLogDocument,
    "\n  query MetricGroups($id: ID!) {\n    run(id: $id) { metricGroups { prefix metrics folder } }\n  }\n": types.MetricGroupsDocument,
    "\n  query MetricKeys($id: ID!, $prefix: String!, $after: String) {\n    run(id: $id) {\n      metricPage(prefix: $prefix, first: 60, after: $after) { totalCount pageInfo { hasNextPage endCursor } edges { node { key role } } }\n    }\n  }\n": types.MetricKeysDocument,
    "\n  query Run($id: ID!) {\n    run(id: $id) {\n      runId\n      name\n      status\n      statusReason\n      lifecycleStage\n      startTime\n      endTime\n      userId\n      createdBy\n      experiment { experimentId name }\n      parent { runId name }\n      children(first: 100) { totalCount edges { node { runId name status startTime } } }\n      params { key value }\n      tags { key value }\n      metricPage(first: 200) {\n        totalCount\n        edges { node { key role count nanCount last { value step } min { value step } max { value step } } }\n      }\n      inputs { context dataset { name digest sourceType } }\n      outputs { step model { modelId name modelType status createdAt } }\n      fingerprint { codeHash dataHash dependenciesHash seedsHash commandHash hardwareHash }\n    }\n    viewer { role }\n  }\n": types.RunDocument,
    "\n  subscription RunChanged($filter: String!, $after: String) {\n    runsChanged(filter: $filter, after: $after, maxRate: 1) { cursor changes { kind } }\n  }\n": types.RunChangedDocument,
    "mutation SetTag($runId: ID!, $key: String!, $value: String!) { setTag(runId: $runId, key: $key, value: $value) { runId } }": types.SetTagDocument,
    "mutation DeleteTag($runId: ID!, $key: String!) { deleteTag(runId: $runId, key: $key) { runId } }": types.DeleteTagDocument,
    "\n  query ExperimentHead($id: ID!) {\n    experiment(id: $id) { experimentId name tags { key value } }\n    viewer { role }\n  }\n": types.ExperimentHeadDocument,
    "mutation DeleteRun($runId: ID!) { deleteRun(runId: $runId) { runId } }": types.DeleteRunDocument,
    "mutation RestoreRun($runId: ID!) { restoreRun(runId: $runId) { runId } }": types.RestoreRunDocument,
    "\n  query Facets($experiments: [ID!], $prefix: String!) {\n    runFacets(experiments: $experiments) {\n      runs\n      metrics(prefix: $prefix, first: 1000) { edges { node { key runs min max } } pageInfo { hasNextPage } }\n      params(prefix: $prefix, first: 1000) { edges { node { key runs min max } } pageInfo { hasNextPage } }\n      tags(prefix: $prefix, first: 1000) { edges { node { key runs min max } } pageInfo { hasNextPage } }\n    }\n  }\n": types.FacetsDocument,
    "\n  fragment RunRow on Run {\n    runId\n    name\n    status\n    statusReason\n    lifecycleStage\n    startTime\n    endTime\n    userId\n    createdBy\n    experiment { experimentId name metricGoals { key goal } }\n    params(keys: $params) { key value }\n    tags(keys: $tags) { key value }\n    metrics(keys: $metrics) { key nanCount last { value } min { value } max { value } }\n  }\n": types.RunRowFragmentDoc,
    "\n  query Runs($experiments: [ID!], $filter: String, $orderBy: [String!], $view: View, $topLevel: Boolean!, $first: Int!, $after: String, $params: [String!], $tags: [String!], $metrics: [String!]) {\n    runs(experiments: $experiments, filter: $filter, orderBy: $orderBy, view: $view, topLevel: $topLevel, first: $first, after: $after) {\n      edges { node { ...RunRow } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": types.RunsDocument,
    "\n  query RunCount($experiments: [ID!], $filter: String, $view: View, $topLevel: Boolean!) {\n    runs(experiments: $experiments, filter: $filter, view: $view, topLevel: $topLevel, first: 1) { totalCount }\n  }\n": types.RunCountDocument,
    "\n  subscription RunsChanged($experiments: [ID!], $filter: String, $topLevel: Boolean!, $after: String, $params: [String!], $tags: [String!], $metrics: [String!]) {\n    runsChanged(experiments: $experiments, filter: $filter, topLevel: $topLevel, after: $after, maxRate: 5) {\n      cursor\n      changes { kind runId run { ...RunRow } }\n    }\n  }\n": types.RunsChangedDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query MetricSeries($runs: [ID!]!, $keys: [String!], $axis: MetricAxis!, $range: MetricRange, $maxPoints: Int!) {\n    metricSeries(runs: $runs, keys: $keys, axis: $axis, range: $range, maxPoints: $maxPoints) {\n      cursor\n      series { runId key exact incomplete totalPoints stepScale steps times min max last }\n    }\n  }\n"): typeof import('./graphql').MetricSeriesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription MetricsAppended($runs: [ID!]!, $keys: [String!], $after: String) {\n    metricsAppended(runs: $runs, keys: $keys, after: $after, maxRate: 20) {\n      cursor\n      series { runId key stepScale steps times values }\n    }\n  }\n"): typeof import('./graphql').MetricsAppendedDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query CompareRuns($runs: [ID!]!) {\n    compareRuns(runs: $runs) {\n      runs {\n        runId\n        name\n        status\n        startTime\n        endTime\n        experiment { name }\n        inputs { context dataset { name digest } }\n        fingerprint { codeHash dataHash dependenciesHash seedsHash commandHash hardwareHash }\n      }\n      params { key values differs }\n      metrics { key last differs }\n    }\n  }\n"): typeof import('./graphql').CompareRunsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Experiments($filter: String, $orderBy: ExperimentOrder, $view: View, $after: String) {\n    experiments(filter: $filter, orderBy: $orderBy, view: $view, first: 100, after: $after) {\n      totalCount\n      pageInfo { hasNextPage endCursor }\n      edges {\n        node {\n          experimentId\n          name\n          lifecycleStage\n          createdAt\n          createdBy\n          tags { key value }\n          all: runs(first: 1) { totalCount edges { node { startTime } } }\n          running: runs(filter: \"status = 'RUNNING'\", first: 1) { totalCount }\n          failed: runs(filter: \"status IN ('FAILED', 'KILLED')\", first: 1) { totalCount }\n        }\n      }\n    }\n  }\n"): typeof import('./graphql').ExperimentsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription SomeRunChanged($after: String) {\n    runsChanged(after: $after, maxRate: 1) { cursor changes { kind } }\n  }\n"): typeof import('./graphql').SomeRunChangedDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Model($name: String!) {\n    registeredModel(name: $name) {\n      name\n      description\n      createdAt\n      createdBy\n      tags { key value }\n      aliases { alias version }\n      rules { stage kind text }\n      versions(first: 100) {\n        totalCount\n        edges { node { version stage aliases status statusMessage description source runId createdAt createdBy run { runId name } signature { inputs { name type required } outputs { name type required } params { name type default } } approvals { stage principal } } }\n      }\n      history(first: 100) {\n        pageInfo { hasNextPage }\n        edges { node { sequence action modelName version fromStage toStage detail reason principal time } }\n      }\n    }\n    viewer { role }\n  }\n"): typeof import('./graphql').ModelDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query StageAt($name: String!, $stage: String!, $time: Time!) {\n    modelStageAt(name: $name, stage: $stage, time: $time) { version reason principal time }\n  }\n"): typeof import('./graphql').StageAtDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Models($filter: String, $after: String) {\n    registeredModels(filter: $filter, orderBy: [\"last_updated_timestamp DESC\"], first: 100, after: $after) {\n      totalCount\n      pageInfo { hasNextPage endCursor }\n      edges {\n        node {\n          name\n          description\n          updatedAt\n          aliases { alias version }\n          latestVersions(stages: [\"Production\", \"Staging\"]) { version stage }\n          versions(first: 1) { totalCount }\n        }\n      }\n    }\n  }\n"): typeof import('./graphql').ModelsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription SomeVersionChanged($names: [String!], $after: String) {\n    modelVersionsChanged(names: $names, after: $after, maxRate: 2) { cursor changes { kind } }\n  }\n"): typeof import('./graphql').SomeVersionChangedDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Register($input: CreateModelVersionInput!) {\n    createModelVersion(input: $input) { name version }\n  }\n"): typeof import('./graphql').RegisterDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Transition($input: TransitionModelVersionStageInput!) {\n    transitionModelVersionStage(input: $input) { version stage }\n  }\n"): typeof import('./graphql').TransitionDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Rollback($name: String!, $stage: String!, $reason: String!, $dryRun: Boolean!) {\n    rollbackModelStage(name: $name, stage: $stage, reason: $reason, dryRun: $dryRun) { version stage }\n  }\n"): typeof import('./graphql').RollbackDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query CompareVersions($from: ModelVersionRef!, $to: ModelVersionRef!) {\n    compareModelVersions(from: $from, to: $to) {\n      verdict\n      complete\n      parts\n      schema { part name from to breaks why }\n      params { key from to }\n      metrics { key from to }\n      data { name context fromDigest toDigest }\n      dependencies { key from to }\n    }\n  }\n"): typeof import('./graphql').CompareVersionsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Artifacts($id: ID!, $path: String!, $after: String) {\n    run(id: $id) { artifacts(path: $path, first: 1000, after: $after) { pageInfo { hasNextPage endCursor } edges { node { path isDir size downloadUrl } } } }\n  }\n"): typeof import('./graphql').ArtifactsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ModelArtifacts($id: ID!, $path: String!, $after: String) {\n    loggedModel(id: $id) { artifacts(path: $path, first: 1000, after: $after) { pageInfo { hasNextPage endCursor } edges { node { path isDir size downloadUrl } } } }\n  }\n"): typeof import('./graphql').ModelArtifactsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription RunLog($run: ID!, $after: String) {\n    runLogAppended(run: $run, after: $after, maxRate: 10) { cursor chunks { stream text } }\n  }\n"): typeof import('./graphql').RunLogDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query MetricGroups($id: ID!) {\n    run(id: $id) { metricGroups { prefix metrics folder } }\n  }\n"): typeof import('./graphql').MetricGroupsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query MetricKeys($id: ID!, $prefix: String!, $after: String) {\n    run(id: $id) {\n      metricPage(prefix: $prefix, first: 60, after: $after) { totalCount pageInfo { hasNextPage endCursor } edges { node { key role } } }\n    }\n  }\n"): typeof import('./graphql').MetricKeysDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Run($id: ID!) {\n    run(id: $id) {\n      runId\n      name\n      status\n      statusReason\n      lifecycleStage\n      startTime\n      endTime\n      userId\n      createdBy\n      experiment { experimentId name }\n      parent { runId name }\n      children(first: 100) { totalCount edges { node { runId name status startTime } } }\n      params { key value }\n      tags { key value }\n      metricPage(first: 200) {\n        totalCount\n        edges { node { key role count nanCount last { value step } min { value step } max { value step } } }\n      }\n      inputs { context dataset { name digest sourceType } }\n      outputs { step model { modelId name modelType status createdAt } }\n      fingerprint { codeHash dataHash dependenciesHash seedsHash commandHash hardwareHash }\n    }\n    viewer { role }\n  }\n"): typeof import('./graphql').RunDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription RunChanged($filter: String!, $after: String) {\n    runsChanged(filter: $filter, after: $after, maxRate: 1) { cursor changes { kind } }\n  }\n"): typeof import('./graphql').RunChangedDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "mutation SetTag($runId: ID!, $key: String!, $value: String!) { setTag(runId: $runId, key: $key, value: $value) { runId } }"): typeof import('./graphql').SetTagDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "mutation DeleteTag($runId: ID!, $key: String!) { deleteTag(runId: $runId, key: $key) { runId } }"): typeof import('./graphql').DeleteTagDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ExperimentHead($id: ID!) {\n    experiment(id: $id) { experimentId name tags { key value } }\n    viewer { role }\n  }\n"): typeof import('./graphql').ExperimentHeadDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "mutation DeleteRun($runId: ID!) { deleteRun(runId: $runId) { runId } }"): typeof import('./graphql').DeleteRunDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "mutation RestoreRun($runId: ID!) { restoreRun(runId: $runId) { runId } }"): typeof import('./graphql').RestoreRunDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Facets($experiments: [ID!], $prefix: String!) {\n    runFacets(experiments: $experiments) {\n      runs\n      metrics(prefix: $prefix, first: 1000) { edges { node { key runs min max } } pageInfo { hasNextPage } }\n      params(prefix: $prefix, first: 1000) { edges { node { key runs min max } } pageInfo { hasNextPage } }\n      tags(prefix: $prefix, first: 1000) { edges { node { key runs min max } } pageInfo { hasNextPage } }\n    }\n  }\n"): typeof import('./graphql').FacetsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment RunRow on Run {\n    runId\n    name\n    status\n    statusReason\n    lifecycleStage\n    startTime\n    endTime\n    userId\n    createdBy\n    experiment { experimentId name metricGoals { key goal } }\n    params(keys: $params) { key value }\n    tags(keys: $tags) { key value }\n    metrics(keys: $metrics) { key nanCount last { value } min { value } max { value } }\n  }\n"): typeof import('./graphql').RunRowFragmentDoc;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Runs($experiments: [ID!], $filter: String, $orderBy: [String!], $view: View, $topLevel: Boolean!, $first: Int!, $after: String, $params: [String!], $tags: [String!], $metrics: [String!]) {\n    runs(experiments: $experiments, filter: $filter, orderBy: $orderBy, view: $view, topLevel: $topLevel, first: $first, after: $after) {\n      edges { node { ...RunRow } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"): typeof import('./graphql').RunsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query RunCount($experiments: [ID!], $filter: String, $view: View, $topLevel: Boolean!) {\n    runs(experiments: $experiments, filter: $filter, view: $view, topLevel: $topLevel, first: 1) { totalCount }\n  }\n"): typeof import('./graphql').RunCountDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription RunsChanged($experiments: [ID!], $filter: String, $topLevel: Boolean!, $after: String, $params: [String!], $tags: [String!], $metrics: [String!]) {\n    runsChanged(experiments: $experiments, filter: $filter, topLevel: $topLevel, after: $after, maxRate: 5) {\n      cursor\n      changes { kind runId run { ...RunRow } }\n    }\n  }\n"): typeof import('./graphql').RunsChangedDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
