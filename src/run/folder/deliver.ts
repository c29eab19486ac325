/** What a finished run leaves: its models, code that uses the first of them, summary.json and the report. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Normalisation } from "../../engine/graph/samples.js";
import type { Summary } from "../../learn/evaluate/summary.js";
import { writeFileAtomic } from "../../node/atomic.js";
import { loadModelFile } from "../../node/model-file.js";
import type { RunContext } from "./context.js";
import { type SnippetInput, writeSnippets } from "./snippets.js";
import type { ValueInfo } from "../../engine/graph/types.js";
import { namedArrays } from "../../learn/data/arrays.js";
import { fillPorts } from "../../learn/data/ports.js";
import type { DataSet } from "../../learn/data/types.js";
import { writeReport, writeSummary } from "./write-summary.js";

/** A model under the name that it gets in the run's folder. */
export interface DeliveredModel {
  readonly name: string;
  /** The exported model of a training. */
  readonly file: string;
}

export interface Delivery {
  /** The first is the one that the snippets use. */
  readonly models: readonly [DeliveredModel, ...DeliveredModel[]];
  /** What the first model's caller has to apply to raw samples (export.raw); null: it is inside. */
  readonly expects: Normalisation | null;
  readonly summary: Summary;
}

export interface Delivered {
  readonly directory: string;
  /** As it was written. */
  readonly summary: Summary;
  /** Path of the first model. */
  readonly model: string;
  readonly summaryFile: string;
}

/** Copies the models out and writes snippets and summary. */
export async function deliver(
  { directory, loaded }: Pick<RunContext, "directory" | "loaded">,
  { models, expects, summary: found }: Delivery,
): Promise<Delivered> {
  for (const { name, file } of models) await writeFileAtomic(join(directory, name), readFileSync(file));
  const [{ name }] = models;
  const model = join(directory, name);
  const { inputs } = loadModelFile(model).model.graph;
  await writeSnippets(directory, name, loaded.data.sampleShape, {
    normalisation: expects,
    dtype: inputs[0]?.dtype,
    ...(inputs.length > 1 ? { inputs: snippetInputs(inputs, loaded.data) } : {}),
  });
  const summary = await writeSummary(directory, found);
  return { directory, summary, model, summaryFile: join(directory, "summary.json") };
}

/** The inputs of a model with the shape of one sample: the arrays that they read have it. */
function snippetInputs(inputs: readonly ValueInfo[], data: DataSet): SnippetInput[] {
  const ports = inputs.map(({ name, dtype }) => ({ name, dtype }));
  const { data: filled, reads } = fillPorts(data, ports, { where: "student", field: "student.inputs" });
  const arrays = namedArrays(filled, reads);
  return ports.map((port, i) => ({ ...port, shape: arrays[i]?.sampleShape ?? [] }));
}

/** As `deliver`, with report.html. */
export async function deliverWithReport(
  context: Pick<RunContext, "directory" | "loaded">,
  delivery: Delivery,
): Promise<Delivered & { readonly report: string }> {
  const delivered = await deliver(context, delivery);
  await writeReport(delivered.directory, delivered.summary);
  return { ...delivered, report: join(delivered.directory, "report.html") };
}
