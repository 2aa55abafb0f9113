import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../schema.graphql",
  documents: ["src/**/*.{ts,tsx}", "!src/gql/**"],
  generates: {
    "src/gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        // No parser of GraphQL at run time.
        documentMode: "string",
        enumsAsTypes: true,
        useTypeImports: true,
        scalars: {
          ID: "string",
          Int64: "number",
          Int64Array: "string",
          Float64Array: "string",
          MetricValue: "number | string",
          Step: "number | string",
          Time: "string",
        },
      },
    },
  },
};

export default config;
