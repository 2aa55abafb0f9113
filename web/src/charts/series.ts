import { useEffect, useState } from "react";
import { type ApiError, apiError, ask, follow } from "../api/client.ts";
import { token } from "../api/session.ts";
import { float64s, int64s } from "../api/unpack.ts";
import { graphql } from "../gql/index.ts";
import type { MetricAxis, MetricSeriesQuery } from "../gql/graphql.ts";
import { useStore } from "../store.ts";

const MetricSeriesDocument = graphql(`
  query MetricSeries($runs: [ID!]!, $keys: [String!], $axis: MetricAxis!, $range: MetricRange, $maxPoints: Int!) {
    metricSeries(runs: $runs, keys: $keys, axis: $axis, range: $range, maxPoints: $maxPoints) {
      cursor
      series { runId key exact incomplete totalPoints stepScale steps times min max last }
    }
  }
`);

const MetricsAppendedDocument = graphql(`
  subscription MetricsAppended($runs: [ID!]!, $keys: [String!], $after: String) {
    metricsAppended(runs: $runs, keys: $keys, after: $after, maxRate: 20) {
      cursor
      series { runId key stepScale steps times values }
    }
  }
`);

/** A series as it is drawn: buckets along x, with the least and the greatest value of each, so that no spike is lost. */
export interface Series {
  runId: string;
  key: string;
  x: number[];
  last: number[];
  min: number[];
  max: number[];
  /** Every bucket is one point. */
  exact: boolean;
  incomplete: boolean;
  /** Points that the buckets are of. */
  total: number;
}

export interface SeriesRequest {
  runs: readonly string[];
  key: string;
  axis: MetricAxis;
  /** In units of the axis: steps, or milliseconds. */
  range: readonly [number, number] | undefined;
  maxPoints: number;
}

interface Loaded {
  series: Series[];
  cursor: string;
}

type Packed = MetricSeriesQuery["metricSeries"]["series"][number];

export function unpack(packed: Packed, axis: MetricAxis, start: number): Series {
  const x = axis === "STEP" ? int64s(packed.steps, 10 ** packed.stepScale) : int64s(packed.times).map((time) => (axis === "TIME" ? time : time - start));
  const { runId, key, exact, incomplete, totalPoints: total } = packed;
  return merge({ runId, key, exact, incomplete, total: Number(total), x, last: float64s(packed.last), min: float64s(packed.min), max: float64s(packed.max) });
}

/** Puts neighbours of one x together, as one bucket: a line has one value at one place, and its extremes stay. */
export function merge(series: Series): Series {
  const { x, last, min, max } = series;
  let to = 0;
  for (let from = 0; from < x.length; from++) {
    if (to > 0 && x[to - 1] === x[from]) {
      to--;
      min[to] = least(min[to], min[from]);
      max[to] = greatest(max[to], max[from]);
    } else {
      min[to] = min[from] ?? Number.NaN;
      max[to] = max[from] ?? Number.NaN;
    }
    x[to] = x[from] ?? 0;
    last[to] = last[from] ?? Number.NaN;
    to++;
  }
  x.length = last.length = min.length = max.length = to;
  return series;
}

const least = (a = Number.NaN, b = Number.NaN): number => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.min(a, b));
const greatest = (a = Number.NaN, b = Number.NaN): number => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b));

interface Waiting {
  request: SeriesRequest;
  resolve: (loaded: { packed: Packed[]; cursor: string }) => void;
  reject: (error: unknown) => void;
}

let waiting: Waiting[] = [];
const mostKeys = 50;

/** Charts that come into view together ask together: one request for all of their keys. */
function load(request: SeriesRequest): Promise<{ packed: Packed[]; cursor: string }> {
  return new Promise((resolve, reject) => {
    if (waiting.length === 0) setTimeout(flush, 0);
    waiting.push({ request, resolve, reject });
  });
}

function flush(): void {
  const batches = new Map<string, Waiting[]>();
  for (const one of waiting) {
    const { runs, axis, range, maxPoints } = one.request;
    const name = JSON.stringify([runs, axis, range, maxPoints]);
    const batch = batches.get(name);
    if (batch) batch.push(one);
    else batches.set(name, [one]);
  }
  waiting = [];
  for (const batch of batches.values()) {
    for (let at = 0; at < batch.length; at += mostKeys) void send(batch.slice(at, at + mostKeys));
  }
}

async function send(batch: Waiting[]): Promise<void> {
  const request = batch[0]?.request;
  if (!request) return;
  const { runs, axis, range, maxPoints } = request;
  try {
    const { metricSeries } = await ask(MetricSeriesDocument, {
      runs: [...runs], axis, maxPoints,
      keys: [...new Set(batch.map((one) => one.request.key))],
      // Steps and milliseconds are what the server counts in: whole ones around what was dragged.
      range: range ? { from: Math.floor(range[0]), to: Math.ceil(range[1]) } : null,
    });
    for (const one of batch) one.resolve({ packed: metricSeries.series.filter((series) => series.key === one.request.key), cursor: metricSeries.cursor });
  } catch (error) {
    for (const one of batch) one.reject(error);
  }
}

/** Adds what came to a series; false when that is not at its end: then it must be asked for again. */
export function append(series: Series, x: readonly number[], values: readonly number[]): boolean {
  for (let index = 0; index < x.length; index++) {
    const at = x[index] ?? 0;
    const end = series.x.at(-1);
    if (end !== undefined && at < end) return false;
    const value = values[index] ?? Number.NaN;
    series.x.push(at);
    series.last.push(value);
    series.min.push(value);
    series.max.push(value);
  }
  series.total += x.length;
  merge(series);
  return true;
}

export interface SeriesState {
  /** Another list with each change; the series in it are added to in place. */
  series: readonly Series[];
  problem: ApiError | undefined;
  loaded: boolean;
}

const reloadFactor = 3;

/** The series of a chart: asked for when it is in view, and live where the runs are not over. */
export function useSeries(request: SeriesRequest, starts: Readonly<Record<string, number>>, shown: boolean, live: boolean): SeriesState {
  const [state, setState] = useState<SeriesState>({ series: [], problem: undefined, loaded: false });
  const [tick, setTick] = useState(0);
  const secret = useStore(token);
  const name = JSON.stringify([request.runs, request.key, request.axis, request.range, request.maxPoints]);
  const startsName = JSON.stringify(starts);

  useEffect(() => {
    if (!shown) return undefined;
    const [runs, key, axis, range, maxPoints] = JSON.parse(name) as [string[], string, MetricAxis, [number, number] | undefined, number];
    const startOf = JSON.parse(startsName) as Record<string, number>;
    let stale = false;
    let unfollow: () => void = () => {};
    let frame = 0;
    const again = () => {
      stale = true;
      unfollow();
      setTick((before) => before + 1);
    };
    const listen = ({ series, cursor }: Loaded) => {
      const byRun = new Map(series.map((one) => [one.runId, one]));
      unfollow = follow(MetricsAppendedDocument, { runs, keys: [key], after: cursor }, ({ metricsAppended }) => {
        for (const added of metricsAppended.series) {
          let x = axis === "STEP" ? int64s(added.steps, 10 ** added.stepScale) : int64s(added.times).map((time) => (axis === "TIME" ? time : time - (startOf[added.runId] ?? 0)));
          let values = float64s(added.values);
          if (range) {
            values = values.filter((_, index) => (x[index] ?? 0) >= range[0] && (x[index] ?? 0) <= range[1]);
            x = x.filter((at) => at >= range[0] && at <= range[1]);
          }
          let one = byRun.get(added.runId);
          if (!one) {
            one = { runId: added.runId, key, x: [], last: [], min: [], max: [], exact: true, incomplete: false, total: 0 };
            byRun.set(added.runId, one);
            series.push(one);
          }
          if (!append(one, x, values) || one.x.length > maxPoints * reloadFactor) {
            again();
            return undefined;
          }
        }
        cancelAnimationFrame(frame);
        frame = requestAnimationFrame(() => setState((before) => ({ ...before, series: [...series] })));
        return metricsAppended.cursor;
      }, (error) => {
        if (error.code === "INVALID_ARGUMENT") again();
      });
    };
    load({ runs, key, axis, range: range ?? undefined, maxPoints }).then(({ packed, cursor }) => {
      if (stale) return;
      const series = packed.map((one) => unpack(one, axis, startOf[one.runId] ?? 0));
      setState({ series, problem: undefined, loaded: true });
      if (live) listen({ series, cursor });
    }, (error: unknown) => {
      if (!stale) setState((before) => ({ ...before, problem: apiError(error), loaded: true }));
    });
    return () => {
      stale = true;
      unfollow();
      cancelAnimationFrame(frame);
    };
  }, [name, startsName, shown, live, tick, secret]);
  return state;
}

/** An exponential moving average that begins right: divided by the weights that it has so far. NaN is a gap, and no part of it. */
export function smooth(values: readonly number[], weight: number): number[] {
  if (weight <= 0) return [...values];
  let sum = 0;
  let weights = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return value;
    sum = sum * weight + value * (1 - weight);
    weights = weights * weight + (1 - weight);
    return sum / weights;
  });
}
