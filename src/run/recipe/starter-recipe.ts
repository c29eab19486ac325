/** The text of a commented recipe; the comments are the schema's descriptions. */

import { type Fault, InputError } from "../../base/errors.js";
import { appendTo } from "../../base/extremes.js";
import { quote } from "../../base/quote.js";
import type { Starter } from "../../learn/data/sources/entry.js";
import { findSource } from "../../learn/data/sources/registry.js";
import { recipeJsonSchema } from "./load.js";
import { type TeacherStarter, teachers } from "./registries.js";
import type { DataInput } from "./schema/schema.js";
import { snakeCase } from "./spelling.js";

export interface StarterOptions {
  /** Default "digits". */
  readonly data?: DataInput["source"];
  /** "model" to train, an ONNX "file", a label "store", or what the starter of another entry is called; default "model". */
  readonly teacher?: string;
  /** Name of the recipe; default "my-student". */
  readonly name?: string;
}

/** A field of the recipe by its path. `off` fields are commented out; their value is an example. */
interface Field {
  readonly path: string;
  readonly value: unknown;
  readonly off?: boolean;
  /** Instead of the schema's description. */
  readonly note?: string;
}

const on = (path: string, value: unknown, note?: string): Field => ({ path, value, note });
const off = (path: string, value: unknown, note?: string): Field => ({ path, value, note, off: true });
const SMALL_STUDENT = { kind: "mlp", hidden: [32], activation: "relu" };

/** What the source's entry says of its lines. */
const starterOf = (data: string): Partial<Starter> => findSource(data).starter ?? {};

/** What the teacher's entry says of its lines. */
function teacherStarter(name: string): TeacherStarter {
  const known = teachers.entries.flatMap(({ starter }) => starter ?? []);
  const found = known.find((starter) => starter.name === name);
  if (found) return found;
  throw new InputError({
    code: "option-invalid",
    where: "teacher",
    found: `found ${quote(name)}`,
    expected: `one of ${known.map((starter) => starter.name).join(", ")}`,
  });
}

/** Why a recipe is refused; null where it is not. */
export type Refuses = (recipe: object) => Pick<Fault, "found" | "expected" | "cure"> | null;

/** @param refuses says for each field that is commented out what speaks against it beside those that are set */
export function starterText(options: StarterOptions, refuses: Refuses): string {
  const { data = "digits", teacher = "model", name = "my-student" } = options;
  const { lines = [], parts, normalise = "unit", images = false, student = SMALL_STUDENT } = starterOf(data);
  const taught = teacherStarter(teacher);
  const fields: Field[] = [
    on("name", name),
    off("description", "What this run is about."),
    on("seed", 0),
    on("seeds", 3),
    on("data.source", data),
    ...lines.map((line) => ({ ...line, path: `data.${snakeCase(line.field)}` })),
    // Where there may be parts of its own, the default uses them.
    parts === "any" ? off("data.split.validation", 0.15) : on("data.split.validation", 0.15),
    parts === "any" ? off("data.split.test", 0.2) : on("data.split.test", parts === "test" ? "source" : 0.2),
    off("data.normalise", normalise),
    off("data.classes", ["cat", "dog"]),
    off("data.limit", 10000),
    ...taught.lines({ images }).map((line) => ({ ...line, path: `teacher.${snakeCase(line.field)}` })),
    ...Object.entries(student).map(([name, value]) => on(`student.${snakeCase(name)}`, value)),
    on("training.epochs", 30),
    off("training.steps", 2000, "Number of updates, instead of epochs"),
    on("training.batch", 32),
    on("training.optimizer", { kind: "adamw", weight_decay: 0.0001 }),
    on("training.schedule", { kind: "one-cycle", lr: 0.005 }),
    on("training.select", "best"),
    off("training.early_stopping", { patience: 10 }),
    off("training.augment", images ? { flip: true, shift: 2 } : { mixup: { alpha: 1 } }),
    off("training.ema", { decay: 0.999 }),
    on("objective.alpha", 0.9),
    on(
      "objective.distillation_loss",
      // Answers from elsewhere may be probabilities, which can be soft already.
      { kind: "kd", temperature: taught.temperature ?? "auto" },
      "Loss against the teacher's answers; kd is Hinton et al. (2015)",
    ),
    on("transfer.labelled", "all"),
    on("transfer.samples", "labelled"),
    off("transfer.views", { answers: "replayed" }),
    on("baseline", true),
    off("strategy", { kind: "teacher-free" }, "Several training runs instead of one: docs/strategies.md"),
    off("variants", [{ name: "softer", set: { "objective.distillation_loss.temperature": 8 } }]),
    off("evaluation.top_k", 5),
    off("evaluation.robustness", true),
    off("export.raw", false),
  ];
  return `${HEAD}\n${write(fields, refuses).join("\n")}\n`;
}

const HEAD = `# A recipe; run it with \`limbeck distill <this file>\`. To use a field that is commented out, remove the "# ".
# docs/recipe.md lists every field with its default. Fields that are not set here have their defaults.`;

/** The fields as YAML lines, each below its description. */
function write(fields: readonly Field[], refuses: Refuses): string[] {
  const active: Record<string, unknown> = {};
  for (const { path, value } of fields.filter((f) => !f.off)) place(active, path.split("."), value);
  const open = new Set<string>();
  return fields.flatMap((field) => {
    const keys = field.path.split(".");
    const whole = structuredClone(active);
    if (field.off) place(whole, keys, field.value);
    const lines: string[] = [];
    for (let depth = 1; depth < keys.length; depth++) {
      const section = keys.slice(0, depth);
      const name = section.join(".");
      if (open.has(name)) continue;
      open.add(name);
      // A section whose every field is off must be off itself, or it would be an empty one.
      if (depth === 1) lines.push("");
      const dead = !fields.some((f) => !f.off && f.path.startsWith(`${name}.`));
      appendTo(lines, comment(descriptionOf(section, whole), depth - 1));
      lines.push(`${"  ".repeat(depth - 1)}${dead ? "# " : ""}${section[depth - 1]}:`);
    }
    const indent = "  ".repeat(keys.length - 1);
    const switched = field.off ? "# " : "";
    const refusal = field.off ? refuses(whole) : null;
    const about = `${field.note ?? descriptionOf(keys, whole)}${refusal ? refusalSaid(refusal) : ""}`;
    appendTo(lines, comment(about, keys.length - 1));
    lines.push(`${indent}${switched}${keys[keys.length - 1]}: ${flow(field.value)}`);
    return lines;
  });
}

/** What a field that is commented out needs besides. */
const refusalSaid = ({ found, expected, cure }: NonNullable<ReturnType<Refuses>>): string =>
  `. With the fields set here it is refused: ${found}${expected ? `; expected ${expected}` : ""}.${cure ? ` ${cure}.` : ""}`;

function place(target: Record<string, unknown>, keys: readonly string[], value: unknown): void {
  const [key, ...rest] = keys as [string, ...string[]];
  if (rest.length === 0) target[key] = value;
  else {
    target[key] ??= {};
    place(target[key] as Record<string, unknown>, rest, value);
  }
}

const WIDTH = 118;

/** A comment at a depth, broken into lines. */
function comment(text: string, depth: number): string[] {
  if (text === "") return [];
  const head = `${"  ".repeat(depth)}# `;
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last !== undefined && last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(head + word);
  }
  return lines;
}

/** A value on one line of YAML. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (typeof value === "object" && value !== null)
    return `{ ${Object.entries(value)
      .map(([k, v]) => `${k}: ${flow(v)}`)
      .join(", ")} }`;
  const plain = (text: string): boolean =>
    /^[A-Za-z][\w./ -]*$/.test(text) && !/^(true|false|null|yes|no|on|off)$/i.test(text);
  if (typeof value === "string" && !plain(value)) return JSON.stringify(value);
  return String(value);
}

interface Schema {
  readonly description?: string;
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** What the schema says of a field, given the recipe around it (it decides between alternatives). */
function descriptionOf(path: readonly string[], recipe: unknown): string {
  let schemas: Schema[] = [recipeJsonSchema() as Schema];
  let value: unknown = recipe;
  let description = "";
  for (const key of path) {
    const here = value as Record<string, unknown>;
    const fitting = schemas.flatMap(alternatives).filter((s) => fits(s, here));
    const properties = fitting.flatMap((s) => (s.properties?.[key] ? [s.properties[key]] : []));
    value = here?.[key];
    description = properties.find((s) => s.description)?.description ?? "";
    schemas = properties;
  }
  return description;
}

function alternatives(schema: Schema): Schema[] {
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  return inner.length > 0 ? inner.flatMap(alternatives) : [schema];
}

/** Whether an object can be of this alternative: its constants agree and it knows every key. */
function fits({ properties }: Schema, value: Record<string, unknown> | undefined): boolean {
  if (!properties || typeof value !== "object") return false;
  const known = Object.keys(value).every((key) => key in properties);
  return known && Object.entries(properties).every(([k, p]) => p.const === undefined || p.const === value[k]);
}
