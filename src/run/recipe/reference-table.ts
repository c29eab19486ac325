/** Tables of the recipe reference: what an object of a schema takes, a row for each field. */
import type { JsonSchema } from "../../base/json-schema.js";

const unions = (s: JsonSchema): readonly JsonSchema[] => s.oneOf ?? s.anyOf ?? [];

/** The objects that a schema takes, or takes a list of; empty when it takes none. */
export function alternativesIn(s: JsonSchema): readonly JsonSchema[] {
  if (s.properties !== undefined) return [s];
  const inner = unions(s).flatMap((u) => alternativesIn(u));
  if (inner.length > 0) return inner;
  return s.items ? alternativesIn(s.items) : [];
}

/** What tells one alternative from the others, its constant or its first required fields, and what that means. */
export function nameOf(s: JsonSchema): { readonly name: string; readonly meaning: string } {
  const tag = Object.entries(s.properties ?? {}).find(([, p]) => isTag(p));
  if (tag) return { name: `${tag[0]}: ${tag[1].const}`, meaning: tag[1].description ?? "" };
  return { name: (s.required ?? Object.keys(s.properties ?? {})).join(", "), meaning: "" };
}

const isTag = (s: JsonSchema): boolean => s.const !== undefined && s.const !== true;

/** Fields that all alternatives have alike. */
export function commonOf(alternatives: readonly JsonSchema[]): Record<string, JsonSchema> {
  const [first, ...rest] = alternatives as [JsonSchema, ...JsonSchema[]];
  if (rest.length === 0) return {};
  return Object.fromEntries(
    Object.entries(first.properties ?? {}).filter(
      ([key, s]) =>
        s.const === undefined && rest.every((r) => JSON.stringify(r.properties?.[key]) === JSON.stringify(s)),
    ),
  );
}

/** The alternatives without the fields that all have alike. */
export function ownFieldsOf(alternatives: readonly JsonSchema[]): readonly JsonSchema[] {
  const common = commonOf(alternatives);
  return alternatives.map((s) => ({
    properties: Object.fromEntries(Object.entries(s.properties ?? {}).filter(([key]) => !(key in common))),
    ...(s.required ? { required: s.required.filter((key) => !(key in common)) } : {}),
  }));
}

/** A row for each field but the one that names the alternative; "" when there is none. @param link to a field's objects */
export function tableOf(s: JsonSchema, link: (field: JsonSchema, key: string) => string): string {
  const rows = Object.entries(s.properties ?? {}).flatMap(([key, field]) => {
    if (isTag(field)) return [];
    const inner = alternativesIn(field).length > 0;
    const needed = s.required?.includes(key) && field.default === undefined;
    const fallback = needed
      ? "**required**"
      : field.default === undefined || inner
        ? ""
        : `\`${JSON.stringify(field.default)}\``;
    const linked = inner ? link(field, key) : "";
    const type = typeOf(field, linked);
    return [`| \`${key}\` | ${type} | ${fallback} | ${(field.description ?? "").replaceAll("|", "\\|")} |`];
  });
  return rows.length > 0 ? `| field | type | default | meaning |\n|---|---|---|---|\n${rows.join("\n")}` : "";
}

/** @param link to the objects that the field takes */
function typeOf(s: JsonSchema, link: string): string {
  if (s.properties !== undefined) return link;
  if (s.const !== undefined) return `\`${s.const}\``;
  if (s.enum) return s.enum.map((v) => `\`${v}\``).join(", ");
  const options = unions(s);
  if (options.length > 0) return [...new Set(options.map((o) => typeOf(o, link)))].join(" or ");
  if (s.prefixItems) return `[${s.prefixItems.map((item) => typeOf(item, link)).join(", ")}]`;
  if (s.type === "array")
    return s.items ? `list of ${typeOf(s.items, link)}`.replace(" of [see below]", ", [see below]") : "list";
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
