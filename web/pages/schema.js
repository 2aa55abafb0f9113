// The schema as the server tells it (introspection), in the shape that completion and docs need.

import { query } from "./transport.js";

const typeReference = `kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`;
const input = `name description defaultValue type { ${typeReference} }`;
const introspection = `query Introspection {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    directives { name args { ${input} } }
    types {
      kind name description
      fields(includeDeprecated: true) { name description args { ${input} } type { ${typeReference} } }
      inputFields { ${input} }
      enumValues(includeDeprecated: true) { name description }
      possibleTypes { name }
    }
  }
}`;

export function typeText(type) {
  if (type.kind === "NON_NULL") return `${typeText(type.ofType)}!`;
  if (type.kind === "LIST") return `[${typeText(type.ofType)}]`;
  return type.name;
}

/** Gives {root: {query, mutation, subscription}, types: {name: type}, directives: {name: arguments}}. */
export async function loadSchema(options) {
  const { __schema: raw } = await query(introspection, {}, options);
  const types = {};
  const withText = (item) => ({ ...item, typeText: typeText(item.type), description: item.description ?? "" });
  for (const type of raw.types) {
    types[type.name] = {
      ...type,
      description: type.description ?? "",
      // Servers differ in whether a type without fields has null or an empty list.
      fields: type.fields?.length ? type.fields.map((field) => ({ ...withText(field), args: field.args.map(withText) })) : null,
      inputFields: type.inputFields?.length ? type.inputFields.map(withText) : null,
      enumValues: type.enumValues?.length ? type.enumValues : null,
    };
  }
  return {
    root: { query: raw.queryType?.name, mutation: raw.mutationType?.name, subscription: raw.subscriptionType?.name },
    types,
    directives: Object.fromEntries(raw.directives.map((directive) => [directive.name, directive.args.map(withText)])),
  };
}
