/** `limbeck inspect model.onnx`, and with --graph recipes too. */
import { type Command, Option } from "commander";
import { importGraph } from "../engine/compile/import-graph.js";
import { modelSize } from "../engine/compile/parameters.js";
import { type WeightKind, weightsOf } from "../engine/compile/weights.js";
import { InputError } from "../base/errors.js";
import { maxOf } from "../base/extremes.js";
import { loadModelFile } from "../node/model-file.js";
import { inferenceForm, inferenceNotes, randomNote } from "../engine/graph/inference-form.js";
import type { Model, ValueInfo } from "../engine/graph/types.js";
import { noun } from "../base/noun.js";
import { findOp } from "../engine/ops/registry.js";
import { formatBytes } from "../learn/report/terminal.js";
import { featureCandidates } from "../learn/teacher/features.js";
import { jsonFlag, quietFlag, setFlag, threadsFlag } from "./flags.js";
import { graphAsked, type InspectFlags, inspectGraph, modelAsked } from "./inspect-graph.js";
import { Terminal } from "./terminal.js";

interface OpCount {
  readonly op: string;
  readonly count: number;
  /** Whether a student may use it: "yes", "zero" (its derivative is zero) or "no". */
  readonly gradient: "yes" | "zero" | "no";
}

export function addInspect(program: Command): void {
  program
    .command("inspect")
    .description("show a model's inputs, outputs, parameters and operators, and whether it can be trained")
    .argument("[model]", ".onnx file; with --graph also a recipe file, for its training step")
    .option(
      "--features",
      "also list the intermediate tensors that a feature loss can use, with their shapes for one sample",
    )
    .option(
      "--graph [form]",
      "show what each pass of the compiler changes; full: and the graph before and after it, one node a line",
    )
    .option("-o, --out <dir>", "with --graph: write each graph to a new file in this folder")
    .addOption(setFlag())
    .addOption(
      new Option("--target <target>", "with --graph and a recipe: compile for this instead of this processor").choices([
        "plain",
        "webgpu",
      ]),
    )
    .addOption(threadsFlag())
    .addOption(jsonFlag())
    .addOption(quietFlag())
    .addHelpText(
      "after",
      `
Examples:
  limbeck inspect model.onnx
  limbeck inspect model.onnx --features                   layer names for feature losses (docs/losses.md)
  limbeck inspect model.onnx --json | jq .initializers    names for student.trainable and student.frozen
  limbeck inspect model.onnx --graph                      what is changed before it can be trained (docs/debugging.md)
  limbeck inspect recipe.yaml --graph --out graphs        the compiled training step, a file for each pass`,
    )
    .action((file: string | undefined, flags: InspectFlags) => {
      const asked = graphAsked(file, flags);
      if (asked) return inspectGraph(asked, flags);
      const model = modelAsked(file, flags);
      const found = inspect(model);
      new Terminal({ json: flags.json, quiet: false }).result(describe(model, found, flags.features ?? false), found);
    });
}

function inspect(file: string) {
  const { model, size } = loadModelFile(file);
  const counts = new Map<string, number>();
  for (const n of model.graph.nodes) {
    const op = n.domain ? `${n.domain}.${n.op}` : n.op;
    counts.set(op, (counts.get(op) ?? 0) + 1);
  }
  const operators = [...counts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([op, count]): OpCount => {
      const dot = op.lastIndexOf(".");
      const rule = dot < 0 ? findOp(op)?.gradient : findOp(op.slice(dot + 1), op.slice(0, dot))?.gradient;
      return { op, count, gradient: rule === "zero" ? "zero" : rule ? "yes" : "no" };
    });
  return {
    file,
    bytes: size,
    opsets: model.opsets,
    irVersion: model.irVersion,
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(" "),
    inputs: model.graph.inputs,
    outputs: model.graph.outputs,
    ...modelSize(model.graph),
    initializers: [...model.graph.initializers].map(([name, t]) => ({ name, dtype: t.dtype, shape: t.shape })),
    operators,
    weights: weightsIn(model, file),
    features: featureCandidates(model, file).map(({ name, node, op, shape }) => ({ name, node, op, shape })),
    metadata: model.metadata,
    notes: notesOf(model, file),
  };
}

/** What a run would say when it reads the model. */
function notesOf(model: Model, file: string): string[] {
  try {
    const form = inferenceForm(model, file);
    const random = randomNote(form, "its outputs");
    return [...inferenceNotes(form), ...(random ? [random] : [])];
  } catch (error) {
    if (error instanceof InputError) return [error.message];
    throw error;
  }
}

/** What a training would change, by what it does; null where the model cannot become a student. */
function weightsIn(
  model: Model,
  file: string,
): { readonly kinds: Record<string, number>; readonly constants: number } | null {
  try {
    const { weights, constants } = weightsOf(importGraph(model, file).graph);
    const kinds: Partial<Record<WeightKind, number>> = {};
    for (const kind of weights.values()) kinds[kind] = (kinds[kind] ?? 0) + 1;
    return { kinds, constants: constants.length };
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

/** How a run fills several inputs. */
function feedsOf(inputs: readonly ValueInfo[]): string[] {
  if (inputs.length === 1) return [];
  return [
    `Each of the ${inputs.length} inputs reads the data's array of its name (data.inputs, or teacher.inputs and student.inputs for other names), or the column of a table. If the data has only token ids, a run makes token_type_ids, position_ids and, with data.padding_id, attention_mask.`,
  ];
}

/** What the model can be in a run. */
function rolesOf({ operators }: Pick<ReturnType<typeof inspect>, "operators">): string {
  const missing = operators.filter((o) => o.gradient === "no").map((o) => o.op);
  return missing.length === 0
    ? "Every operator has a gradient rule, so this model can be a teacher or a student."
    : `This model can be a teacher. As a student, its parameters before ${missing.join(", ")} cannot be trained.`;
}

/** Tensor, its node if the name differs, and the shape of one sample. */
function listed(features: ReturnType<typeof inspect>["features"]): string[] {
  const widest = maxOf(
    features.map((f) => f.name.length),
    0,
  );
  return features.map(({ name, node, op, shape }) => {
    const from = node && node !== name ? `, node ${node}` : "";
    return `  ${name.padEnd(widest)}  ${shape ? `[${shape.join(", ")}]` : "shape unknown"}  ${op}${from}`;
  });
}

/** "weights: 12 dense, 13 bias", and how many tensors of the file a training leaves as they are. */
function weightLines(weights: ReturnType<typeof weightsIn>): string[] {
  if (!weights) return [];
  const kinds = Object.entries(weights.kinds).map(([kind, count]) => `${count} ${kind}`);
  const rest = weights.constants > 0 ? `; ${noun(weights.constants, "other tensor")} stay as they are` : "";
  return [`weights of a student: ${kinds.join(", ") || "none"}${rest}`];
}

function describe(file: string, found: ReturnType<typeof inspect>, features: boolean): string {
  const info = (v: ValueInfo): string =>
    `  ${v.name}: ${v.dtype} [${v.shape ? v.shape.map((d) => d ?? "?").join(", ") : "?"}]`;
  const ops = found.operators.map(
    (o) =>
      `  ${o.op.padEnd(28)} ${String(o.count).padStart(5)}   ${o.gradient === "no" ? "no gradient rule" : o.gradient === "zero" ? "zero gradient" : "gradient rule"}`,
  );
  const { statistics: running } = found;
  const statistics = running > 0 ? ` and ${noun(running, "running statistic")} of batch norm` : "";
  return [
    `${file}: ${formatBytes(found.bytes)}, ${noun(found.parameters, "parameter")}${statistics}, opset ${found.opsets[""] ?? "-"}, IR ${found.irVersion}${found.producer ? `, by ${found.producer}` : ""}`,
    "inputs",
    ...found.inputs.map(info),
    "outputs",
    ...found.outputs.map(info),
    ...weightLines(found.weights),
    "operators",
    ...ops,
    ...(features ? ["features", ...listed(found.features)] : []),
    ...Object.entries(found.metadata).map(([k, v]) => `metadata ${k}: ${v.length > 100 ? `${v.slice(0, 100)}...` : v}`),
    ...found.notes.map((note) => `note: ${note}`),
    ...feedsOf(found.inputs),
    rolesOf(found),
  ].join("\n");
}
