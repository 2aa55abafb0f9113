import { cacheExchange, Client, CombinedError, fetchExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import type { TypedDocumentString } from "../gql/graphql.ts";
import { createStore } from "../store.ts";
import { authorization, refusal, token } from "./session.ts";

/** The address of something below the UI's root, which the server names in <base>. */
export const address = (path: string): string => new URL(path.replace(/^\/+/, ""), document.baseURI).href;

export const client = new Client({
  url: address("graphql"),
  exchanges: [cacheExchange, fetchExchange],
  preferGetMethod: false,
  // Without the signal: the client aborts each request once it is answered, and the browser reports that as an error.
  fetch: (input, init) => fetch(input, { ...init, signal: null }),
  fetchOptions: () => ({ headers: authorization() }),
});

/** What a server said is wrong, in its own words, with the argument that it is about. */
export class ApiError extends Error {
  readonly code: string;
  readonly field: string;

  constructor(message: string, code = "", field = "") {
    super(message);
    this.code = code;
    this.field = field;
  }
}

export function apiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof CombinedError) {
    const first = error.graphQLErrors[0];
    if (first) {
      const failure = new ApiError(first.message, String(first.extensions.code ?? ""), String(first.extensions.field ?? ""));
      if (failure.code === "UNAUTHENTICATED") refusal.set(failure.message);
      return failure;
    }
    return new ApiError("The server cannot be reached.", "UNREACHABLE");
  }
  return new ApiError(error instanceof Error ? error.message : String(error));
}

type Source<R, V> = TypedDocumentString<R, V>;

/** Asks the server, not the cache. */
export async function ask<R, V extends Record<string, unknown>>(document: Source<R, V>, variables: V): Promise<R> {
  const { data, error } = await client.query(document.toString(), variables, { requestPolicy: "network-only" }).toPromise();
  if (error) throw apiError(error);
  return data as R;
}

export async function change<R, V extends Record<string, unknown>>(document: Source<R, V>, variables: V): Promise<R> {
  const { data, error } = await client.mutation(document.toString(), variables).toPromise();
  if (error) throw apiError(error);
  return data as R;
}

/** Fetches bytes with the token: an artifact, or a file of metrics. */
export async function download(path: string, signal?: AbortSignal): Promise<Response> {
  const answer = await fetch(address(path), { headers: authorization(), signal: signal ?? null });
  if (answer.ok) return answer;
  let message = `status ${answer.status}`;
  try {
    const body = await answer.json() as { detail?: string; message?: string };
    message = body.detail ?? body.message ?? message;
  } catch {
    // No problem document: the status is all there is.
  }
  throw new ApiError(message);
}

export type Connection = "idle" | "connecting" | "live" | "broken";

export const connection = createStore<Connection>("idle");

const socket = createClient({
  url: address("graphql").replace(/^http/, "ws"),
  connectionParams: () => (token.get() ? { authorization: `Bearer ${token.get()}` } : {}),
  retryAttempts: Number.POSITIVE_INFINITY,
  // A server that comes back is found within seconds, and not by all its pages at one moment.
  retryWait: (attempt) => new Promise((resume) => {
    setTimeout(resume, Math.min(5000, 250 * 2 ** attempt) * (0.5 + Math.random() / 2));
  }),
  shouldRetry: () => true,
  keepAlive: 15_000,
  lazyCloseTimeout: 2000,
  on: {
    connecting: () => connection.set(connection.get() === "broken" ? "broken" : "connecting"),
    connected: () => connection.set("live"),
    closed: (event) => {
      connection.set((event as CloseEvent).wasClean && (event as CloseEvent).code === 1000 ? "idle" : "broken");
    },
  },
});

token.subscribe(() => socket.terminate());

/**
 * Follows a subscription until the function that comes back is called. `onEvent` gives the cursor to go on from, which is sent when the
 * connection was cut and is made again: nothing is missed, and nothing comes twice.
 */
export function follow<R, V extends Record<string, unknown>>(
  document: Source<R, V>,
  variables: V,
  onEvent: (data: R) => string | undefined,
  onError: (error: ApiError) => void = () => {},
  onEnd: () => void = () => {},
): () => void {
  // The client sends this very object again after each reconnection.
  const payload = { query: document.toString(), variables: { ...variables } as Record<string, unknown> };
  return socket.subscribe<R>(payload, {
    next(result) {
      const failure = result.errors?.[0];
      if (failure) onError(new ApiError(failure.message, String(failure.extensions?.code ?? ""), String(failure.extensions?.field ?? "")));
      else if (result.data) {
        const after = onEvent(result.data);
        if (after !== undefined) payload.variables.after = after;
      }
    },
    error(failure) {
      if (Array.isArray(failure)) {
        const first = failure[0] as { message: string; extensions?: Record<string, unknown> } | undefined;
        onError(new ApiError(first?.message ?? "refused", String(first?.extensions?.code ?? ""), String(first?.extensions?.field ?? "")));
      } else if (failure instanceof Error) onError(new ApiError(failure.message));
    },
    complete: onEnd,
  });
}
