/** What variants may change. */
import { quote } from "../../../base/quote.js";
import type { Plan } from "../../recipe/schema/schema.js";
import { rule } from "./rule.js";

/** What is the same in a whole run. */
const SHARED = /^(data|seeds?|name|variants|evaluation|export|strategy|sweep)\b/;

/** The first name that occurs again; the recipe itself has none. */
function repeatedName({ variants }: Plan): string | undefined {
  const names = ["", ...variants.map((v) => v.name)];
  return names.find((name, i) => names.indexOf(name) !== i);
}

/** The first variant that changes what is the same in a whole run. */
function changesShared({ variants }: Plan): { readonly name: string; readonly path: string } | undefined {
  return variants
    .flatMap(({ name, set }) => Object.keys(set).map((path) => ({ name, path })))
    .find(({ path }) => SHARED.test(path));
}

export const variantRules = [
  rule({
    name: "variants of one name",
    of: "one-shot",
    reads: "recipe",
    code: "option-conflict",
    when: ({ plan }) => repeatedName(plan),
    field: "variants",
    says: (name) => ({
      found: `two variants have the name ${quote(name)}`,
      cure: "Give each variant a name of its own",
    }),
  }),
  rule({
    name: "variants of what a run shares",
    of: "one-shot",
    reads: "recipe",
    code: "option-conflict",
    when: ({ plan }) => changesShared(plan),
    field: ({ name }) => `variants "${name}"`,
    says: ({ path }) => ({
      found: `it changes ${path}, which is the same in a whole run`,
      cure: "Write another recipe for it",
    }),
  }),
];
