import { ask } from "../api/client.ts";
import { graphql } from "../gql/index.ts";
import type { FacetsQuery } from "../gql/graphql.ts";
import { type Column, columnId, type Kind, parseColumn } from "./columns.ts";

const FacetsDocument = graphql(`
  query Facets($experiments: [ID!], $prefix: String!) {
    runFacets(experiments: $experiments) {
      runs
      metrics(prefix: $prefix, first: 1000) { edges { node { key runs min max } } pageInfo { hasNextPage } }
      params(prefix: $prefix, first: 1000) { edges { node { key runs min max } } pageInfo { hasNextPage } }
      tags(prefix: $prefix, first: 1000) { edges { node { key runs min max } } pageInfo { hasNextPage } }
    }
  }
`);

export interface Facet {
  kind: Kind;
  key: string;
  runs: number;
  min: number | string | null;
  max: number | string | null;
}

export interface Facets {
  runs: number;
  keys: Facet[];
  /** There are more keys than came: search for what they begin with. */
  more: boolean;
}

/** Keys of what runs have: up to 1,000 of each kind, those that begin with a prefix. */
export async function facets(experiments: string[] | null, prefix = ""): Promise<Facets> {
  const { runFacets } = await ask(FacetsDocument, { experiments, prefix });
  const list = (kind: Kind, page: FacetsQuery["runFacets"]["params"]): Facet[] => page.edges.map(({ node }) => ({ kind, key: node.key, runs: node.runs, min: node.min ?? null, max: node.max ?? null }));
  return {
    runs: runFacets.runs,
    keys: [...list("metric", runFacets.metrics), ...list("param", runFacets.params), ...list("tag", runFacets.tags)],
    more: [runFacets.metrics, runFacets.params, runFacets.tags].some((page) => page.pageInfo.hasNextPage),
  };
}

const defaultMetrics = 6;
const defaultParams = 8;

/** What a table shows before anybody chose: the metrics and params that most runs have, those first that are not the same everywhere. */
export function defaultColumns(found: Facets, withExperiment: boolean): Column[] {
  const rank = (facet: Facet) => facet.runs * (facet.min !== facet.max || facet.min === null ? 2 : 1);
  const best = (kind: Kind, most: number) => {
    const chosen = found.keys.filter((facet) => facet.kind === kind && !facet.key.startsWith("system/"))
      .sort((a, b) => rank(b) - rank(a) || (a.key < b.key ? -1 : 1)).slice(0, most);
    return chosen.sort((a, b) => (a.key < b.key ? -1 : 1)).map((facet) => columnId(facet.kind, facet.key));
  };
  const ids = ["status", "start_time", "duration", ...(withExperiment ? ["experiment"] : []), ...best("metric", defaultMetrics), ...best("param", defaultParams)];
  return ids.map(parseColumn).filter((column) => column !== undefined);
}
