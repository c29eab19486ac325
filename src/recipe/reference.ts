/** The recipe reference, docs/recipe.md: written from the schema, so that fields, defaults and meanings have one source. */
import { type JsonSchema, recipeJsonSchema } from "./schema-at.js";

/** Markdown of docs/recipe.md. */
export function recipeReference(): string {
  const root = recipeJsonSchema();
  const sections: string[] = [];
  describeObject(root, "", sections);
  return `# Recipe reference

Written by \`npm run docs\` from the schema in src/recipe/schema.ts; a test holds it to that.

A recipe is a YAML file (or the same object in TypeScript). Paths are relative to the recipe file. An unknown field is an error
that names the nearest valid one. \`--set path=value\` changes any field: \`--set objective.alpha=0.5\`.
\`limbeck init\` writes a commented recipe; recipes/ has complete ones. Every run writes the recipe with all defaults filled in
into its folder.

${sections.join("\n")}`;
}

const unions = (s: JsonSchema): readonly JsonSchema[] => s.oneOf ?? s.anyOf ?? [];
const isObject = (s: JsonSchema): boolean => s.properties !== undefined;
/** Alternatives that are objects; empty when the field is simple. */
function objects(s: JsonSchema): readonly JsonSchema[] {
  if (isObject(s)) return [s];
  const inner = unions(s).flatMap((u) => objects(u));
  if (inner.length > 0) return inner;
  return s.items ? objects(s.items) : [];
}

function describeObject(schema: JsonSchema, path: string, sections: string[]): void {
  const title = path === "" ? "## The recipe" : `## ${path}`;
  const lead = path === "" ? "" : `${schema.description ?? ""}\n\n`;
  const alternatives = objects(schema);
  const nested: [JsonSchema, string][] = [];
  if (alternatives.length === 1) {
    sections.push(`${title}\n\n${lead}${table(alternatives[0] as JsonSchema, path, nested)}`);
  } else {
    const common = commonOf(alternatives);
    const parts = alternatives.map((a) => {
      const own = without(a, common);
      const fields = Object.keys(own.properties ?? {}).length > 0 ? `\n\n${table(own, path, nested)}` : "\n";
      return `### ${path}: ${nameOf(a)}${fields}`;
    });
    const shared =
      Object.keys(common).length > 0 ? `Every kind:\n\n${table({ properties: common }, path, nested)}\n` : "";
    sections.push(`${title}\n\n${lead}${shared}${parts.join("\n")}`);
  }
  const seen = new Set<string>();
  for (const [inner, at] of nested) {
    if (seen.has(at)) continue;
    seen.add(at);
    describeObject(inner, at, sections);
  }
}

/** What tells one alternative from the others: its constant, or its first required field. */
function nameOf(s: JsonSchema): string {
  const [tag] = Object.entries(s.properties ?? {}).filter(([, p]) => p.const !== undefined && p.const !== true);
  if (tag) return `\`${tag[0]}: ${tag[1].const}\`${tag[1].description ? `. ${tag[1].description}` : ""}`;
  return `\`${(s.required ?? Object.keys(s.properties ?? {})).join(", ")}\``;
}

function commonOf(alternatives: readonly JsonSchema[]): Record<string, JsonSchema> {
  const [first, ...rest] = alternatives as [JsonSchema, ...JsonSchema[]];
  return Object.fromEntries(
    Object.entries(first.properties ?? {}).filter(
      ([key, s]) =>
        s.const === undefined && rest.every((r) => JSON.stringify(r.properties?.[key]) === JSON.stringify(s)),
    ),
  );
}

function without(s: JsonSchema, common: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const entries = Object.entries(s.properties ?? {}).filter(
    ([key, p]) => !(key in common) && (p.const === undefined || p.const === true),
  );
  return { ...s, properties: Object.fromEntries(entries) };
}

function table(s: JsonSchema, path: string, nested: [JsonSchema, string][]): string {
  const rows = Object.entries(s.properties ?? {}).map(([key, field]) => {
    const at = path === "" ? key : `${path}.${key}`;
    const inner = objects(field).length > 0;
    if (inner) nested.push([field, at]);
    const needed = s.required?.includes(key) && field.default === undefined;
    const fallback = needed
      ? "**needed**"
      : field.default === undefined || inner
        ? ""
        : `\`${JSON.stringify(field.default)}\``;
    const type = inner ? `[see below](#${at.replaceAll(".", "").toLowerCase()})` : typeOf(field);
    return `| \`${key}\` | ${type} | ${fallback} | ${(field.description ?? "").replaceAll("|", "\\|")} |`;
  });
  return `| field | type | default | meaning |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}

function typeOf(s: JsonSchema): string {
  if (s.const !== undefined) return `\`${s.const}\``;
  if (s.enum) return s.enum.map((v) => `\`${v}\``).join(", ");
  const options = unions(s);
  if (options.length > 0) return options.map(typeOf).join(" or ");
  if (s.prefixItems) return `[${s.prefixItems.map(typeOf).join(", ")}]`;
  if (s.type === "array") return s.items ? `list of ${typeOf(s.items)}` : "list";
  if (s.type === "integer" || s.type === "number")
    return `${s.type === "integer" ? "whole number" : "number"}${range(s)}`;
  if (s.type === "string") return "text";
  if (s.type === "boolean") return "true or false";
  return s.type === "object" ? "fields and values" : "anything";
}

function range(s: JsonSchema): string {
  const parts: string[] = [];
  if (s.exclusiveMinimum !== undefined) parts.push(`> ${s.exclusiveMinimum}`);
  if (s.minimum !== undefined && s.minimum > -1e15) parts.push(`>= ${s.minimum}`);
  if (s.exclusiveMaximum !== undefined) parts.push(`< ${s.exclusiveMaximum}`);
  if (s.maximum !== undefined && s.maximum < 1e15) parts.push(`<= ${s.maximum}`);
  return parts.length > 0 ? ` ${parts.join(", ")}` : "";
}
