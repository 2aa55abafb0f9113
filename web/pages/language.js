// GraphQL's tokens, and what may stand at a place of a document that need not be complete.

const pattern = /(?<blank>[\s,\ufeff]+)|(?<comment>#[^\n]*)|(?<string>"""(?:[^"\\]|"(?!"")|\\[^]?)*(?:"""|$)|"(?:[^"\\\n]|\\.)*(?:"|(?=\n)|$))|(?<variable>\$\w*)|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<name>[A-Za-z_]\w*)|(?<spread>\.\.\.)|(?<mark>[{}()[\]:=!|&@])|(?<bad>.)/gs;

const operations = new Set(["query", "mutation", "subscription"]);

/** Splits a document into tokens {kind, text, start, end}; blanks are left out. */
export function tokenize(text) {
  const tokens = [];
  for (const match of text.matchAll(pattern)) {
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    if (kind !== "blank") tokens.push({ kind, text: match[0], start: match.index, end: match.index + match[0].length });
  }
  return tokens;
}

/** The type without its brackets and exclamation marks. */
export function namedType(type) {
  while (type?.ofType) type = type.ofType;
  return type?.name;
}

// A walk over tokens knows in which brackets it stands. Frames:
//   {kind: "selection", type}             fields of type
//   {kind: "arguments", args}             arguments of the field before
//   {kind: "object", type}                fields of an input type
//   {kind: "list", type}                  values of a type
//   {kind: "definitions"}                 variables of an operation
/** Walks the tokens; visit(token, role, frame) is told what each token is. Gives the state after the last one. */
export function walk(tokens, schema, visit = () => {}) {
  const state = { frames: [], field: null, argument: null, expect: "", operation: null, definesVariables: false };
  const top = () => state.frames.at(-1);
  const rootOf = (operation) => schema?.root[operation];

  for (const token of tokens) {
    if (token.kind === "comment") {
      visit(token, "comment");
      continue;
    }
    const frame = top();
    if (!frame) atDocument(token);
    else if (frame.kind === "selection") inSelection(token, frame);
    else if (frame.kind === "definitions") inDefinitions(token, frame);
    else inValues(token, frame);
  }
  return state;

  function atDocument(token) {
    if (token.kind === "name" && (operations.has(token.text) || token.text === "fragment") && state.expect === "") {
      state.operation = token.text;
      state.expect = "name";
      visit(token, "keyword");
    } else if (token.text === "{") {
      const type = state.operation === "fragment" ? state.fragmentType : rootOf(state.operation ?? "query");
      state.frames.push({ kind: "selection", type });
      state.expect = "";
      visit(token, "mark");
    } else if (token.text === "(") {
      state.frames.push({ kind: "definitions" });
      visit(token, "mark");
    } else if (token.kind === "name" && token.text === "on" && state.operation === "fragment") {
      state.expect = "type";
      visit(token, "keyword");
    } else if (token.kind === "name") {
      if (state.expect === "type") state.fragmentType = token.text;
      visit(token, state.expect === "type" ? "type" : "definition");
    } else visit(token, token.kind);
  }

  function inSelection(token, frame) {
    if (token.text === "{") {
      state.frames.push({ kind: "selection", type: state.spreadType ?? namedType(state.field?.type) });
      state.spreadType = undefined;
      state.expect = "";
    } else if (token.text === "}") {
      state.frames.pop();
      state.field = null;
      if (state.frames.length === 0) Object.assign(state, { operation: null, expect: "", fragmentType: undefined });
    } else if (token.text === "(") {
      state.frames.push({ kind: "arguments", args: state.directive ? schema?.directives[state.directive] ?? [] : state.field?.args ?? [] });
    } else if (token.kind === "spread") {
      state.expect = "spread";
    } else if (token.text === "@") {
      state.expect = "directive";
    } else if (token.kind === "name") {
      if (state.expect === "spread") {
        state.expect = token.text === "on" ? "type" : "";
        visit(token, token.text === "on" ? "keyword" : "fragment");
        return;
      }
      if (state.expect === "type") {
        state.spreadType = token.text;
        state.expect = "";
        visit(token, "type");
        return;
      }
      if (state.expect === "directive") {
        state.directive = token.text;
        state.expect = "";
        visit(token, "keyword");
        return;
      }
      state.directive = undefined;
      state.field = schema?.types[frame.type]?.fields?.find((field) => field.name === token.text) ?? null;
      visit(token, "field", frame, state.field);
      return;
    }
    visit(token, token.kind);
  }

  function inDefinitions(token) {
    if (token.text === ")") state.frames.pop();
    if (token.text === ":") state.expect = "inputType";
    else if (token.kind === "name") {
      visit(token, state.expect === "inputType" ? "type" : "constant");
      return;
    } else if (token.kind === "variable" || token.text === "=") state.expect = "";
    visit(token, token.kind);
  }

  function inValues(token, frame) {
    const named = frame.kind === "list" ? null : state.argument;
    if (token.text === "{") {
      const type = frame.kind === "list" ? frame.type : namedType(named?.type);
      state.frames.push({ kind: "object", type, args: schema?.types[type]?.inputFields ?? [], outer: state.argument });
      state.argument = null;
    } else if (token.text === "[") {
      state.frames.push({ kind: "list", type: frame.kind === "list" ? frame.type : namedType(named?.type), outer: state.argument });
    } else if (token.text === "}" || token.text === "]" || token.text === ")") {
      state.frames.pop();
      state.argument = null;
      state.expect = "";
    } else if (token.text === ":") {
      state.expect = "value";
    } else if (token.kind === "name" && frame.kind !== "list" && state.expect !== "value") {
      state.argument = frame.args.find((argument) => argument.name === token.text) ?? null;
      visit(token, "argument", frame, state.argument);
      return;
    } else {
      state.expect = "";
      if (token.kind === "name") {
        visit(token, "constant");
        return;
      }
    }
    visit(token, token.kind);
  }
}

/** What may be written at an offset: {prefix, start, choices: [{name, type, about, insert}]}. */
export function complete(text, offset, schema) {
  const before = tokenize(text.slice(0, offset));
  const last = before.at(-1);
  let prefix = "";
  if (last && last.end === offset && (last.kind === "name" || last.kind === "variable")) {
    prefix = last.text;
    before.pop();
  } else if (last && (last.kind === "comment" || last.kind === "string") && last.end === offset) {
    return { prefix, start: offset, choices: [] };
  }
  const state = walk(before, schema);
  const wanted = prefix.toLowerCase();
  const choices = possible(state, schema, text)
    .filter((choice) => choice.name.toLowerCase().includes(wanted))
    .sort((a, b) => Number(b.name.toLowerCase().startsWith(wanted)) - Number(a.name.toLowerCase().startsWith(wanted)));
  return { prefix, start: offset - prefix.length, choices };
}

function possible(state, schema, text) {
  const frame = state.frames.at(-1);
  if (!frame) {
    if (state.expect === "type") return typesOfKind(schema, ["OBJECT", "INTERFACE", "UNION"]);
    if (state.operation) return [];
    return [...operations].filter((name) => schema.root[name]).concat("fragment").map((name) => ({ name, type: "", about: "" }));
  }
  if (frame.kind === "definitions") return state.expect === "inputType" ? typesOfKind(schema, ["SCALAR", "ENUM", "INPUT_OBJECT"]) : [];
  if (frame.kind === "selection") return inSelection(state, frame, schema, text);
  if (frame.kind === "list") return values(frame.type, schema, text);
  if (state.expect === "value") return values(namedType(state.argument?.type), schema, text);
  return frame.args.map((argument) => ({ name: argument.name, type: argument.typeText, about: argument.description, insert: `${argument.name}: ` }));
}

function inSelection(state, frame, schema, text) {
  if (state.expect === "type") return typesOfKind(schema, ["OBJECT", "INTERFACE"]);
  if (state.expect === "directive") return Object.keys(schema.directives).map((name) => ({ name, type: "", about: "" }));
  if (state.expect === "spread") {
    const fragments = [...text.matchAll(/\bfragment\s+(\w+)\s+on\b/g)].map((match) => ({ name: match[1], type: "fragment", about: "" }));
    return [{ name: "on", type: "", about: "", insert: "on " }, ...fragments];
  }
  const fields = schema.types[frame.type]?.fields ?? [];
  return [...fields.map((field) => ({ name: field.name, type: field.typeText, about: field.description })),
    { name: "__typename", type: "String!", about: "The name of the object's type." }];
}

function values(type, schema, text) {
  const variables = [...new Set([...text.matchAll(/\$\w+/g)].map((match) => match[0]))].map((name) => ({ name, type: "variable", about: "" }));
  const enums = (schema.types[type]?.enumValues ?? []).map((value) => ({ name: value.name, type, about: value.description }));
  const booleans = type === "Boolean" ? ["true", "false"].map((name) => ({ name, type, about: "" })) : [];
  return [...enums, ...booleans, ...variables];
}

function typesOfKind(schema, kinds) {
  return Object.values(schema.types)
    .filter((type) => kinds.includes(type.kind) && !type.name.startsWith("__"))
    .map((type) => ({ name: type.name, type: "", about: type.description }));
}

/** The operations of a document: [{kind, name, start, end}]. */
export function operationsOf(text) {
  const found = [];
  let depth = 0;
  let current = null;
  const tokens = tokenize(text).filter((token) => token.kind !== "comment");
  tokens.forEach((token, index) => {
    if (depth === 0 && !current && (operations.has(token.text) || token.text === "fragment" || token.text === "{")) {
      const next = tokens[index + 1];
      const named = token.text !== "{" && next?.kind === "name";
      current = { kind: token.text === "{" ? "query" : token.text, name: named ? next.text : null, start: token.start };
    }
    if ("{([".includes(token.text) && token.kind === "mark") depth++;
    if ("})]".includes(token.text) && token.kind === "mark") {
      depth--;
      if (depth === 0 && token.text === "}" && current) {
        found.push({ ...current, end: token.end });
        current = null;
      }
    }
  });
  if (current) found.push({ ...current, end: text.length });
  return found.filter((operation) => operation.kind !== "fragment");
}

/** Lays a document out: two blanks a level, one field a line. Comments stay. */
export function format(text) {
  const lines = [];
  let line = "";
  let depth = 0;
  let round = 0;
  let previous = null;
  const flush = () => {
    if (line.trim()) lines.push("  ".repeat(Math.max(0, depth)) + line.trim());
    line = "";
  };
  const tokens = tokenize(text);
  tokens.forEach((token, index) => {
    const next = tokens[index + 1];
    if (token.kind === "comment") {
      flush();
      lines.push("  ".repeat(depth) + token.text);
    } else if (token.text === "{" && round === 0) {
      line = `${line.trimEnd()} {`;
      flush();
      depth++;
    } else if (token.text === "}" && round === 0) {
      flush();
      depth--;
      lines.push("  ".repeat(Math.max(0, depth)) + "}");
      if (depth === 0 && next) lines.push("");
    } else {
      if (token.kind === "mark" && "([{".includes(token.text)) round++;
      const fieldEnds = round === 0 && depth > 0 && previous && startsField(token, previous);
      if (fieldEnds) flush();
      line += separator(previous, token, round) + token.text;
      if (token.kind === "mark" && ")]}".includes(token.text)) round--;
    }
    previous = token;
  });
  flush();
  return lines.join("\n") + "\n";
}

function startsField(token, previous) {
  if (token.kind === "spread") return true;
  if (token.kind !== "name") return false;
  return !(previous.text === ":" || previous.text === "@" || previous.kind === "spread" || previous.text === "on");
}

function separator(previous, token, round) {
  if (!previous || previous.text === "{" && round === 0 || previous.kind === "comment") return "";
  if ([")", "]", "}", ":", "!"].includes(token.text) || token.text === "(" || ["(", "[", "{", "@", "..."].includes(previous.text) && !(previous.text === "..." && token.text === "on")) return "";
  const listed = round > 0 && previous.text !== ":" && previous.text !== "=" && token.text !== "=";
  return listed ? ", " : " ";
}
