// GraphQL over HTTP: one answer, or a stream of events (SSE) for subscriptions.

const endpoint = new URL("graphql", document.baseURI).href;

function headers(token, accept) {
  const all = { "Content-Type": "application/json", Accept: accept };
  if (token) all.Authorization = `Bearer ${token}`;
  return all;
}

/** Sends one operation and gives {status, milliseconds, bytes, body}. Fails only when the server cannot be reached. */
export async function request(operation, { token = "", signal } = {}) {
  const began = performance.now();
  const response = await fetch(endpoint, {
    method: "POST",
    headers: headers(token, "application/json"),
    body: JSON.stringify(operation),
    signal,
  });
  const text = await response.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = { errors: [{ message: `The answer is not JSON (status ${response.status}): ${text.slice(0, 200)}` }] };
  }
  return { status: response.status, milliseconds: performance.now() - began, bytes: text.length, body };
}

/** As request, for a program: gives the data, or throws the first error's message. */
export async function query(text, variables, options) {
  const { body } = await request({ query: text, variables }, options);
  if (body.errors?.length) {
    const error = new Error(body.errors[0].message);
    error.code = body.errors[0].extensions?.code;
    throw error;
  }
  return body.data;
}

/** Runs a subscription until it ends or signal aborts; onEvent gets each result. */
export async function subscribe(operation, { token = "", signal, onEvent, onOpen = () => {} }) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: headers(token, "text/event-stream"),
    body: JSON.stringify(operation),
    signal,
  });
  if (!response.ok || !(response.headers.get("Content-Type") ?? "").startsWith("text/event-stream")) {
    const text = await response.text();
    let body;
    try { body = JSON.parse(text); } catch { body = { errors: [{ message: text.slice(0, 200) || `status ${response.status}` }] }; }
    onEvent(body);
    return;
  }
  onOpen();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    pending = (pending + value).replaceAll("\r\n", "\n");
    for (let end = pending.indexOf("\n\n"); end >= 0; end = pending.indexOf("\n\n")) {
      const event = parseEvent(pending.slice(0, end));
      pending = pending.slice(end + 2);
      if (event.type === "complete") return;
      if (event.type === "next" && event.data) onEvent(JSON.parse(event.data));
    }
  }
}

function parseEvent(block) {
  const event = { type: "message", data: "" };
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) event.type = line.slice(6).trim();
    else if (line.startsWith("data:")) event.data += line.slice(5).trimStart();
  }
  return event;
}

/** The same request as a command line for a POSIX shell. The token stays a variable: a history is not a place for it. */
export function asCurl(operation, { token, stream }) {
  const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const parts = [`curl ${stream ? "-N " : ""}${quote(endpoint)}`, `-H 'Content-Type: application/json'`];
  if (stream) parts.push(`-H 'Accept: text/event-stream'`);
  if (token) parts.push(`-H "Authorization: Bearer $CAIRN_TOKEN"`);
  parts.push(`--data ${quote(JSON.stringify(operation))}`);
  return parts.join(" \\\n  ");
}
