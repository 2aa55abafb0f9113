// A column is what the filter language calls it: `params.depth`, `metrics.acc`, `min(metrics.loss)`, `tags.team`, `status`. So its
// name in the address, in a filter and in an order is one and the same, but for quotes.

export type Kind = "attribute" | "metric" | "param" | "tag";
export type Aggregate = "last" | "min" | "max" | "best";

export interface Column {
  id: string;
  kind: Kind;
  key: string;
  aggregate: Aggregate;
}

export const aggregates: readonly Aggregate[] = ["last", "min", "max", "best"];

interface Attribute {
  key: string;
  title: string;
  width: number;
  sortable: boolean;
}

export const attributes: readonly Attribute[] = [
  { key: "run_name", title: "Run", width: 230, sortable: true },
  { key: "status", title: "Status", width: 104, sortable: true },
  { key: "start_time", title: "Started", width: 118, sortable: true },
  { key: "duration", title: "Took", width: 104, sortable: false },
  { key: "end_time", title: "Ended", width: 118, sortable: true },
  { key: "experiment", title: "Experiment", width: 150, sortable: false },
  { key: "user_id", title: "User", width: 110, sortable: true },
  { key: "created_by", title: "Recorded by", width: 130, sortable: true },
  { key: "run_id", title: "Run id", width: 270, sortable: true },
];

const prefixes: Record<Exclude<Kind, "attribute">, string> = { metric: "metrics.", param: "params.", tag: "tags." };

export function columnId(kind: Kind, key: string, aggregate: Aggregate = "last"): string {
  if (kind === "attribute") return key;
  const name = prefixes[kind] + key;
  return kind === "metric" && aggregate !== "last" ? `${aggregate}(${name})` : name;
}

export function parseColumn(id: string): Column | undefined {
  const call = /^(min|max|best)\((.*)\)$/s.exec(id);
  const name = call ? call[2] ?? "" : id;
  for (const kind of ["metric", "param", "tag"] as const) {
    if (name.startsWith(prefixes[kind]) && name.length > prefixes[kind].length && (!call || kind === "metric")) {
      return { id, kind, key: name.slice(prefixes[kind].length), aggregate: (call?.[1] as Aggregate | undefined) ?? "last" };
    }
  }
  return !call && attributes.some((attribute) => attribute.key === id) ? { id, kind: "attribute", key: id, aggregate: "last" } : undefined;
}

/** How a column is written in a filter or an order: odd keys in backticks. */
export function expression(column: Column): string {
  if (column.kind === "attribute") return column.key;
  const key = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/.test(column.key) ? column.key : `\`${column.key.replaceAll("`", "``")}\``;
  const name = prefixes[column.kind] + key;
  return column.kind === "metric" && column.aggregate !== "last" ? `${column.aggregate}(${name})` : name;
}

export function sortable(column: Column): boolean {
  return column.kind !== "attribute" || (attributes.find((attribute) => attribute.key === column.key)?.sortable ?? false);
}

export function title(column: Column): string {
  if (column.kind === "attribute") return attributes.find((attribute) => attribute.key === column.key)?.title ?? column.key;
  return column.key;
}

/** What stands above the names: the kind, and the folder that a key lies in by its slashes or dots. */
export function group(column: Column): string {
  if (column.kind === "attribute") return "";
  const head = { metric: "Metrics", param: "Params", tag: "Tags" }[column.kind];
  const cut = Math.max(column.key.lastIndexOf("/"), column.key.lastIndexOf("."));
  return cut > 0 ? `${head} · ${column.key.slice(0, cut)}` : head;
}

/** The rest of a key below its group. */
export function shortTitle(column: Column): string {
  if (column.kind === "attribute") return title(column);
  const cut = Math.max(column.key.lastIndexOf("/"), column.key.lastIndexOf("."));
  const name = cut > 0 && cut < column.key.length - 1 ? column.key.slice(cut + 1) : column.key;
  return column.aggregate === "last" ? name : `${column.aggregate} ${name}`;
}

export function width(column: Column): number {
  if (column.kind === "attribute") return attributes.find((attribute) => attribute.key === column.key)?.width ?? 120;
  return Math.min(220, Math.max(96, shortTitle(column).length * 7.5 + 40));
}

export function isNumeric(column: Column): boolean {
  return column.kind === "metric";
}
