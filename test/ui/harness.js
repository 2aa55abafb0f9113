// A Cairn server and a browser for the tests of the web pages. Each test file has its own server.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer as createProxy, request } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const startMilliseconds = 30_000;

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

/** Starts `cairn server` on an empty database: {url, query(text, variables), stop()}. */
export async function startServer() {
  const directory = await mkdtemp(join(tmpdir(), "cairn-ui-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const program = process.env.CAIRN_BIN ?? join(root, "bin", "cairn");
  const server = spawn(program, ["server", "--listen", `127.0.0.1:${port}`, "--data-dir", directory], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  server.stderr.on("data", (data) => { log += data; });
  const ended = once(server, "exit");
  const deadline = Date.now() + startMilliseconds;
  for (;;) {
    if (server.exitCode !== null || Date.now() > deadline) throw new Error(`cairn server did not start:\n${log}`);
    const healthy = await fetch(`${url}/health`).then((answer) => answer.ok, () => false);
    if (healthy) break;
    await new Promise((resume) => setTimeout(resume, 20));
  }
  return {
    url,
    async query(text, variables = {}, token = "") {
      const answer = await fetch(`${url}/graphql`, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
        body: JSON.stringify({ query: text, variables }),
      });
      const body = await answer.json();
      if (body.errors) throw new Error(body.errors[0].message);
      return body.data;
    },
    async stop() {
      server.kill("SIGTERM");
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

/** Starts a proxy that shows a server below a prefix, WebSockets too, as nginx does: {url, stop()}. */
export async function startProxy(server, prefix) {
  const target = new URL(server.url);
  const host = { host: target.hostname, port: target.port };
  const proxy = createProxy((incoming, outgoing) => {
    if (!incoming.url.startsWith(`${prefix}/`)) {
      outgoing.writeHead(404).end();
      return;
    }
    const passed = request({ ...host, path: incoming.url.slice(prefix.length), method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    incoming.pipe(passed);
  });
  const sockets = new Set();
  proxy.on("upgrade", (incoming, socket) => {
    const passed = connect(host, () => {
      const headers = Object.entries(incoming.headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
      passed.write(`GET ${incoming.url.slice(prefix.length)} HTTP/1.1\r\n${headers}\r\n`);
      passed.pipe(socket).pipe(passed);
    });
    for (const one of [passed, socket]) {
      sockets.add(one);
      one.on("error", () => one.destroy());
    }
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    url: `http://127.0.0.1:${proxy.address().port}${prefix}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, "close");
    },
  };
}

const axe = readFile(join(dirname(fileURLToPath(import.meta.url)), "node_modules", "axe-core", "axe.min.js"), "utf8");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds wrong with a page in both colour schemes: nothing, one hopes. */
export async function inaccessible(page) {
  const found = [];
  await page.evaluate(await axe);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await page.evaluate((values) => window.axe.run({ runOnly: { type: "tag", values } }), rules);
    found.push(...violations.map(({ id, nodes }) => `${colorScheme}: ${id}: ${nodes[0].html.slice(0, 200)}: ${nodes[0].failureSummary}`));
  }
  return found;
}

/** Keeps a picture of a page where CAIRN_TEST_SCREENSHOTS says. */
export async function keep(page, name) {
  const folder = process.env.CAIRN_TEST_SCREENSHOTS;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

/** Whether a page is wider than its window, so that one would have to scroll sideways to read it. */
export const overflows = (page) => page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

/** Starts Chromium: {open(path, options), close()}. Every page keeps what it did wrong in page.faults. */
export async function startBrowser(server) {
  const executablePath = process.env.CAIRN_TEST_CHROMIUM ?? execFileSync("sh", [join(root, "tools", "debian.sh"), "chromium"], { encoding: "utf8" }).trim();
  const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
  return {
    async open(path, options = {}) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
      await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.url });
      const page = await context.newPage();
      page.faults = [];
      page.on("request", (request) => {
        if (!request.url().startsWith(`${server.url}/`) && !/^(data|blob):/.test(request.url())) page.faults.push(`request to ${request.url()}`);
      });
      page.on("pageerror", (error) => page.faults.push(`error: ${error.message}`));
      page.on("console", (message) => {
        if (/Content Security Policy|Refused to/.test(message.text())) page.faults.push(message.text());
      });
      await page.exposeFunction("reportViolation", (text) => page.faults.push(text));
      await page.addInitScript(() => addEventListener("securitypolicyviolation", (event) => window.reportViolation(`CSP: ${event.violatedDirective} ${event.blockedURI}`)));
      await page.goto(server.url + path);
      return page;
    },
    close: () => browser.close(),
  };
}
