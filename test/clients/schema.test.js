// The published schema against the released one: what breaks a client is seen before it is merged.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildSchema, findBreakingChanges, findDangerousChanges } from "graphql";

const here = dirname(fileURLToPath(import.meta.url));

const read = async (path) => buildSchema(await readFile(join(here, path), "utf8"));

/** Breaking changes that were decided, by their descriptions, each with why. A release empties it. */
const decided = JSON.parse(await readFile(join(here, "breaking.json"), "utf8"));

test("nothing that clients rely on is taken away", async () => {
  const [released, published] = await Promise.all([read("released.graphql"), read("../../schema.graphql")]);
  const changes = findBreakingChanges(released, published).map((change) => change.description);
  const undecided = changes.filter((description) => !(description in decided));
  assert.deepEqual(undecided, [], "these changes of schema.graphql break clients of the released one: deprecate first, as docs/graphql.md says, " +
    "or, where that is decided, add each to test/clients/breaking.json with the reason");
  const stale = Object.keys(decided).filter((description) => !changes.includes(description));
  assert.deepEqual(stale, [], "test/clients/breaking.json lists changes that are none");
});

test("what may surprise a client is told", async (t) => {
  const [released, published] = await Promise.all([read("released.graphql"), read("../../schema.graphql")]);
  for (const change of findDangerousChanges(released, published)) t.diagnostic(change.description);
});

test("a change that breaks is found", async () => {
  const published = await readFile(join(here, "../../schema.graphql"), "utf8");
  const found = (text) => findBreakingChanges(buildSchema(published), buildSchema(text)).map((change) => change.type);
  const without = (text) => {
    assert.ok(published.includes(text), text);
    return published.replace(text, "");
  };
  const described = published.match(/\n {2}"""\n[^"]*\n {2}"""\n {2}statusReason: String!/)[0];
  assert.deepEqual(found(without(described)), ["FIELD_REMOVED"]);
  assert.deepEqual(found(published.replace("statusReason: String!", "statusReason: String")), ["FIELD_CHANGED_KIND"]);
  assert.deepEqual(found(published.replace("input TagInput {", "input TagInput {\n  colour: String!")), ["REQUIRED_INPUT_FIELD_ADDED"]);
});
