// The state of a view is in the address, readable: ?q=metrics.acc+>+0.9&sort=metrics.acc+DESC&col=params.depth&col=metrics.acc.

export type Search = Record<string, string | string[] | undefined>;

export function parseSearch(text: string): Search {
  const found: Record<string, string[]> = {};
  for (const [key, value] of new URLSearchParams(text)) (found[key] ??= []).push(value);
  return Object.fromEntries(Object.entries(found).map(([key, values]) => [key, values.length === 1 ? values[0] : values]));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const out = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined && item !== null && item !== "") out.append(key, String(item));
    }
  }
  const text = out.toString();
  return text ? `?${text}` : "";
}

export function one(value: unknown): string | undefined {
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" && first !== "" ? first : undefined;
}

export function many(value: unknown): string[] | undefined {
  const all = (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === "string" && item !== "");
  return all.length > 0 ? all : undefined;
}
