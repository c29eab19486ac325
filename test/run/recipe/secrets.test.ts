/** What counts as a secret of a recipe, and what is left of it in copies and texts. */
import "../../../src/run/entries.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../../src/base/errors.js";
import { parseRecipe, recipeToYaml } from "../../../src/run/recipe/load.js";
import type { Recipe } from "../../../src/run/recipe/schema/schema.js";
import { maskCommand } from "../../../src/run/recipe/masked-command.js";
import {
  maskSecrets,
  maskText,
  maskUrl,
  rememberSecret,
  rememberSecretsOf,
  withoutSecrets,
} from "../../../src/base/secrets.js";

test("addresses lose user:password, the values of their query and their fragment", () => {
  const cases: [string, string][] = [
    ["http://host:80/a/b", "http://host:80/a/b"],
    ["https://user:pw@host/x", "https://***@host/x"],
    ["https://ghp_token@host/x", "https://***@host/x"],
    ["https://host/x?token=abc&model=big&v=2", "https://host/x?token=***&model=big&v=2"],
    ["https://host/x?abc#access_token=abc", "https://host/x?***#***"],
    ["https://host/x?model=has a blank", "https://host/x?model=***"],
    // A password that is not escaped: what comes before its slash is no host.
    ["http://user:pa/ss@host/x?y=1", "http://***@host/x?y=***"],
    ["http://user:p#a?s@host/x", "http://***@host/x"],
    ["http://[::1]:80/x@2", "http://[::1]:80/x@2"],
    ["https://host/@team/model", "https://host/@team/model"],
    // References to the environment are no secrets.
    ["https://$USER:$PASS@host/$PATH_KEY?key=$KEY", "https://$USER:$PASS@host/$PATH_KEY?key=$KEY"],
    ["https://me:$PASS@host/?key=a$KEY&f=$filter", "https://***:$PASS@host/?key=***&f=***"],
    // Without a scheme it is no address, and may hold a password all the same.
    ["user:pw@host/x", "***@host/x"],
  ];
  for (const [given, expected] of cases) {
    assert.equal(maskUrl(given), expected);
    assert.equal(maskUrl(expected), expected, "masking twice changes nothing");
  }
});

const written = {
  name: "n",
  description: "see https://me:secret-pw@host/?q=1, or (https://host/?key=abcdef).",
  teacher: {
    url: "https://me:secret-pw@host/x?token=query-token",
    headers: { authorization: "Bearer literal-token", "x-key": "$KEY", cookie: "a=1; b=$B", other: "pa$$word", n: "" },
  },
  variants: [
    { name: "v", set: { "teacher.headers.x-key": "variant-key", "teacher.url": "http://h/?k=variant-token" } },
  ],
  sweep: { grid: { "teacher.headers": [{ a: "grid-key-1" }, { a: "grid-key-2" }], "training.batch": [1, 2] } },
};

test("a copy of a recipe holds no header value, key or password; references and all else stay", () => {
  assert.deepEqual(maskSecrets(written), {
    name: "n",
    description: "see https://***@host/?q=***, or (https://host/?key=***).",
    teacher: {
      url: "https://***@host/x?token=***",
      headers: { authorization: "Bearer ***", "x-key": "$KEY", cookie: "***$B", other: "***", n: "" },
    },
    variants: [{ name: "v", set: { "teacher.headers.x-key": "***", "teacher.url": "http://h/?k=***" } }],
    sweep: { grid: { "teacher.headers": [{ a: "***" }, { a: "***" }], "training.batch": [1, 2] } },
  });
  const yaml = recipeToYaml(written as unknown as Recipe);
  for (const secret of ["secret-pw", "query-token", "literal-token", "word", "variant-", "grid-key", "abcdef"])
    assert.ok(!yaml.includes(secret), secret);
});

test("a recipe is known by what is not secret: a copy, another key and a reference are the same run", () => {
  const given = (url: string, headers: object): unknown => withoutSecrets({ teacher: { url, headers, version: "1" } });
  const known = given("https://host/x?model=big", {});
  assert.deepEqual(known, { teacher: { url: "https://host/x?model=big", headers: {}, version: "1" } });
  assert.deepEqual(given("https://me:pw@host/x?model=big&token=1#f", { a: "b" }), known);
  assert.deepEqual(given("https://***@host/x?token=***&model=big", { a: "***" }), known);
  assert.notDeepEqual(given("https://host/x?model=small", {}), known);
  const plain = parseRecipe({
    data: { source: "digits" },
    student: { kind: "mlp", hidden: [8] },
    training: { steps: 1 },
  });
  assert.equal(JSON.stringify(withoutSecrets(plain)), JSON.stringify(plain), "without secrets it is the recipe itself");
  assert.deepEqual(maskSecrets(plain), plain);
});

test("a known secret is found in texts in every form: escaped, base64, in JSON", () => {
  const secret = 'k3y/with "quotes"+more';
  rememberSecret(secret);
  for (const form of [
    secret,
    encodeURIComponent(secret),
    encodeURIComponent(secret).toLowerCase(),
    Buffer.from(secret).toString("base64"),
    Buffer.from(secret).toString("base64url"),
    JSON.stringify(secret).slice(1, -1),
  ])
    assert.equal(maskText(`<${form}> was refused`), "<***> was refused", form);
  // Short ones are words of their own only, and the shortest none at all.
  rememberSecret("abcd");
  rememberSecret("xy");
  assert.equal(maskText("abcd, abcde and xy"), "***, abcde and xy");
  // A plain word in a place that does not speak of secrets stays a word.
  rememberSecretsOf({
    url: "http://h/?mode=validation&api_key=swordfish",
    headers: { "x-mode": "test", "x-key": "moon" },
  });
  assert.equal(maskText("validation, swordfish, test, moon"), "validation, ***, test, ***");
});

test("errors never hold a secret of the recipe they are about", () => {
  const wrong = {
    data: { source: "digits" },
    student: { kind: "mlp", hidden: [8] },
    training: { steps: 1 },
    teacher: {
      url: "http://me:error-password@host/x",
      answers: "labels",
      headers: { "x-key": ["error-header-1"], b: 12345678 },
    },
  };
  assert.throws(
    () => parseRecipe(wrong, "r.yaml", ["teacher.url=ftp://me:error-password@host"]),
    (e: Error) => e instanceof InputError && !/error-password|error-header|12345678/.test(e.message + e.stack),
  );
  // Before it is a recipe: pairs that are none, and fields inside of what has none.
  const recipe = { teacher: { url: "http://h", headers: { "x-key": "inner-SECRET-1" } } };
  for (const pair of ["teacher.headers.x-key:pair-SECRET-1", 'teacher.url="pair-SECRET-1', "teacher.headers.x-key.a=1"])
    assert.throws(
      () => parseRecipe(recipe, "r.yaml", [pair]),
      (e: Error) => e instanceof InputError && /headers|url/.test(e.message) && !/SECRET/.test(e.message),
      pair,
    );
});

test("the command line is written down without the secrets given on it", () => {
  const cases: [string[], string][] = [
    [["distill", "r.yaml", "--set", "training.steps=5"], "limbeck distill r.yaml --set training.steps=5"],
    [["--set", "teacher.url=http://a:b1234567@h/x?k=c1234567"], "limbeck --set teacher.url=http://***@h/x?k=***"],
    [["--set=teacher.headers.x-key=d1234567"], "limbeck --set=teacher.headers.x-key=***"],
    [["--set", "teacher.headers.authorization=Bearer e123"], "limbeck --set teacher.headers.authorization=Bearer ***"],
    [["--set", "teacher.headers.x-key=$KEY"], "limbeck --set teacher.headers.x-key=$KEY"],
    [
      ["--set", "teacher={url: 'http://h', headers: {x: f123}}"],
      'limbeck --set teacher={"url":"http://h","headers":{"x":"***"}}',
    ],
    [["--grid", "teacher.headers.x=[g123, h123]"], 'limbeck --grid teacher.headers.x=["***","***"]'],
    [["--set", 'teacher.headers.x="i123'], "limbeck --set teacher.headers.x=***"],
  ];
  for (const [args, expected] of cases) assert.equal(maskCommand(args), expected);
});

test("names of runs are names of folders", () => {
  const named = (name: string) => () =>
    parseRecipe({ name, data: { source: "digits" }, student: { kind: "mlp", hidden: [8] }, training: { steps: 1 } });
  for (const name of ["..", ".", "...", "a/b", "a\\b", "a\u001b[2J", "a\n", "", "a".repeat(101)])
    assert.throws(
      named(name),
      (e: Error) => e instanceof InputError && e.message.includes("name"),
      JSON.stringify(name),
    );
  for (const name of ["a", "digits.2", ".hidden", "a_b-c", "a".repeat(100)]) assert.doesNotThrow(named(name));
});
