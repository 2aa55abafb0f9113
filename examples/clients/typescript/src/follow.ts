// Prints the best runs that there are, then each point of a metric of one run as it is logged, until the run has ended.
//
//   node dist/follow.js RUN KEY        reads CAIRN_SERVER and CAIRN_TOKEN

import { Client, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import { toAsyncIterable } from "wonka";
import WebSocket from "ws";

const BEST = gql<{ runs: { edges: { node: Run }[] } }, { key: string }>`
  query Best($key: String!) {
    runs(orderBy: ["attributes.start_time DESC"], first: 3) {
      edges { node { runId name status metric(key: $key) { last { value step } } } }
    }
  }
`;

const FOLLOW = gql<{ metricsAppended: Appended }, { run: string; key: string; after: string | null }>`
  subscription Follow($run: ID!, $key: String!, $after: String) {
    metricsAppended(runs: [$run], keys: [$key], after: $after, untilEnded: true) {
      cursor
      series { key stepScale steps values }
    }
  }
`;

/** A number, or "NaN", "Infinity", "-Infinity", which JSON has no numbers for. */
type MetricValue = number | string;
type Run = { runId: string; name: string; status: string; metric: { last: { value: MetricValue; step: number } } | null };
/** `steps` and `values` are base64 of little-endian arrays. */
type Series = { key: string; stepScale: number; steps: string; values: string };
type Appended = { cursor: string; series: Series[] };

const bytes = (column: string) => Uint8Array.from(Buffer.from(column, "base64")).buffer;

const server = process.env.CAIRN_SERVER ?? "http://127.0.0.1:5000";
const token = process.env.CAIRN_TOKEN;
const authorization = token ? { authorization: `Bearer ${token}` } : undefined;

const sockets = createClient({
  url: `${server.replace(/^http/, "ws")}/graphql`,
  webSocketImpl: WebSocket,
  connectionParams: authorization,
  // graphql-ws would subscribe again from the same cursor, and points would come twice: follow() goes on from the last one.
  retryAttempts: 0,
});

const client = new Client({
  url: `${server}/graphql`,
  preferGetMethod: false,
  fetchOptions: { headers: authorization },
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ ...request, query: request.query ?? "" }, sink) }),
      }),
    }),
  ],
});

/** The points of a run's metric, each once, also across connections that break. */
async function* follow(run: string, key: string): AsyncGenerator<{ step: number; value: number }> {
  let after: string | null = null;
  for (let pause = 100; ; pause = Math.min(2 * pause, 5000)) {
    let refused: Error | undefined;
    for await (const { data, error } of toAsyncIterable(client.subscription(FOLLOW, { run, key, after }))) {
      refused = error;
      if (!data || error) break;
      if (after === data.metricsAppended.cursor) continue; // urql gives the last event once more when the subscription is completed
      pause = 100;
      after = data.metricsAppended.cursor;
      for (const series of data.metricsAppended.series) {
        const steps = new BigInt64Array(bytes(series.steps));
        const values = new Float64Array(bytes(series.values));
        for (const [at, value] of values.entries()) yield { step: Number(steps[at]) / 10 ** series.stepScale, value };
      }
    }
    if (!refused) return; // completed: the run has ended
    if ("graphQLErrors" in refused && (refused.graphQLErrors as unknown[]).length > 0) throw refused;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

const [run, key] = process.argv.slice(2);
if (!run || !key) throw new Error("usage: node dist/follow.js RUN KEY");
const best = await client.query(BEST, { key }).toPromise();
if (best.error) throw best.error;
for (const { node } of best.data?.runs.edges ?? []) console.log("run", node.name, node.status);
for await (const point of follow(run, key)) console.log("point", point.step, point.value);
await sockets.dispose();
