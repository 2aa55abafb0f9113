// Records runs as clients do, over the API.

/** {name, experiment, params, tags, metrics: {key: [values]}, parent, status}; gives the run's id. It runs on when status is null. */
export async function record(server, { name = "run", experiment = "digits", params = {}, tags = {}, metrics = {}, parent = null, status = "FINISHED" } = {}) {
  const pairs = (all) => Object.entries(all).map(([key, value]) => ({ key, value: String(value) }));
  const { createRun: { runId } } = await server.query(
    `mutation($run: CreateRunInput!) { createRun(input: $run) { runId } }`,
    { run: { experimentName: experiment, name, parentRunId: parent, tags: pairs(tags) } },
  );
  await log(server, runId, metrics, { params: pairs(params) });
  if (status) await server.query(`mutation($id: ID!, $status: RunStatus!) { finishRun(input: {runId: $id, status: $status}) { status } }`, { id: runId, status });
  return runId;
}

/** Adds points: {key: [values]}, their steps from `first` on. */
export async function log(server, runId, metrics, { params = [], first = 0 } = {}) {
  const points = Object.entries(metrics).flatMap(([key, values]) => values.map((value, index) => ({ key, value, step: first + index })));
  await server.query(`mutation($batch: LogBatchInput!) { logBatch(input: $batch) { stored } }`, { batch: { runId, params, metrics: points } });
}
