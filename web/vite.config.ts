/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

const server = "http://127.0.0.1:5000";

/**
 * Puts the document itself where the sources say graphql(`query Name …`). The function that is generated has a table of all
 * operations, which the first page would load for all others.
 */
const documents: Plugin = {
  name: "cairn-documents",
  enforce: "pre",
  transform(code, id) {
    if (!/\/src\/(?!gql\/).*\.tsx?$/.test(id) || !code.includes("graphql(`")) return null;
    const names: string[] = [];
    const replaced = code.replace(/\bgraphql\(`\s*(query|mutation|subscription|fragment) (\w+)[^`]*`\)/g, (_, kind: string, name: string) => {
      names.push(`${name}${kind === "fragment" ? "FragmentDoc" : "Document"}`);
      return `$${names.at(-1)}`;
    });
    const folder = id.slice(id.lastIndexOf("/src/") + 5).split("/").length - 1;
    return { code: `import { ${names.map((name) => `${name} as $${name}`).join(", ")} } from "${"../".repeat(folder) || "./"}gql/graphql.ts";${replaced}`, map: null };
  },
};

/** Writes the licences of the packages whose code is in the files. */
const licences: Plugin = {
  name: "cairn-licences",
  generateBundle(_, bundle) {
    const roots = new Set<string>();
    for (const file of Object.values(bundle)) {
      for (const id of file.type === "chunk" ? file.moduleIds : []) {
        const found = /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id);
        if (found?.[1] && existsSync(`${found[1]}/package.json`)) roots.add(found[1]);
      }
    }
    const texts = [...roots].map((root) => {
      const { name, version, license } = JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as Record<string, string>;
      const file = readdirSync(root).find((entry) => /^licen[cs]e/i.test(entry));
      return `${name} ${version} (${license})\n\n${file ? readFileSync(`${root}/${file}`, "utf8").trim() : "Its package has no file with the text."}\n`;
    });
    this.emitFile({ type: "asset", fileName: "assets/third-party-licenses.txt", source: texts.sort().join(`\n${"-".repeat(80)}\n\n`) });
  },
};

export default defineConfig({
  plugins: [documents, react(), licences],
  // The server says by <base> where the root is, at whatever depth and below whatever prefix a page is.
  base: "./",
  css: {
    // By the names in the sources, and not by their paths: the same files wherever they are built.
    modules: { generateScopedName: (name, file) => `${file.replace(/^.*\/|\.module\.css.*$/g, "")}_${name}` },
  },
  build: {
    target: "es2023",
    outDir: "dist",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // Stable names: a change of one file is a change of one file in git. The server sends an ETag for each.
        entryFileNames: "assets/[name].js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: "assets/[name][extname]",
        // What changes only with a dependency is a file of its own; what draws charts is not loaded before there is one.
        codeSplitting: { groups: [{ name: "vendor", test: /node_modules\/(?!uplot)/ }] },
      },
    },
  },
  server: {
    proxy: {
      "/graphql": { target: server, ws: true },
      "/artifacts": server,
      "/metric-series": server,
    },
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}", "*.test.ts"] },
});
