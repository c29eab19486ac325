/** `limbeck inspect --graph`: what each pass of the compiler does to a model, or to a recipe's training step. */
import { join } from "node:path";
import { countOps, type GraphChange } from "../engine/compile/passes/change.js";
import { graphLines } from "../engine/graph/text.js";
import { InputError } from "../base/errors.js";
import { noun } from "../base/noun.js";
import { quote } from "../base/quote.js";
import { modelStages, type StagedGraph, type StagedGraphs, stepStages } from "../app/commands/graph-stages.js";
import { makeFolder } from "../node/atomic.js";
import { loadModelFile } from "../node/model-file.js";
import { refuseOverwrite, writeOutput } from "../run/folder/output.js";
import { loadRecipe } from "../run/recipe/load.js";
import { atTerminal, columns } from "./command.js";
import type { CommonFlags } from "./flags.js";

export interface InspectFlags extends Pick<CommonFlags, "set" | "out" | "threads" | "json" | "quiet"> {
  readonly target?: "plain" | "webgpu";
  readonly features?: boolean;
  /** true: without a form. Commander takes a file that follows for the form. */
  readonly graph?: true | string;
}

/** What --graph was asked of. */
interface GraphAsked {
  readonly file: string;
  readonly full: boolean;
}

const isRecipe = (file: string): boolean => /\.(ya?ml|json)$/i.test(file);

/** The file and form of --graph; null without the flag. @throws InputError when there is no file, or no such form */
export function graphAsked(file: string | undefined, { graph }: InspectFlags): GraphAsked | null {
  if (graph === undefined) return null;
  const forms = [true, "full"];
  if (file === undefined && !forms.includes(graph)) return { file: graph as string, full: false };
  if (file === undefined) throw fileMissing("an .onnx file or a recipe file");
  if (!forms.includes(graph))
    throw new InputError({
      code: "flag-invalid",
      where: "--graph",
      found: `found ${quote(graph)}`,
      expected: "full, or nothing",
    });
  return { file, full: graph === "full" };
}

/** The model of a command without --graph. @throws InputError when there is none, or a flag that needs --graph */
export function modelAsked(file: string | undefined, { set, out, target }: InspectFlags): string {
  if (file === undefined) throw fileMissing("an .onnx file");
  const flags = { "--out": out !== undefined, "--set": set.length > 0, "--target": target !== undefined };
  const needed = isRecipe(file) ? file : (Object.entries(flags).find(([, given]) => given)?.[0] ?? null);
  if (needed === null) return file;
  throw new InputError({
    code: "flag-invalid",
    where: needed,
    found: needed === file ? "it is a recipe, and inspect shows models" : "it belongs to --graph",
    expected: needed === file ? "an .onnx file" : undefined,
    cure: "Add --graph to see the graphs that the compiler makes",
  });
}

const fileMissing = (expected: string): InputError =>
  new InputError({ code: "flag-invalid", where: "inspect", found: "no file is given", expected });

export function inspectGraph({ file, full }: GraphAsked, flags: InspectFlags): Promise<void> {
  return atTerminal(
    flags,
    async (terminal) => {
      const found = await stagesOf(file, flags);
      const files = flags.out === undefined ? [] : await writeGraphs(found.graphs, flags.out);
      terminal.result(describeStages(found, full, files), stagesJson(found, full, files));
    },
    "stopping; nothing is kept (press Ctrl-C again to exit immediately)",
  );
}

interface Found extends StagedGraphs {
  readonly file: string;
  readonly target?: string;
  readonly batch?: number;
}

async function stagesOf(file: string, flags: InspectFlags): Promise<Found> {
  const { set, target, threads } = flags;
  if (isRecipe(file)) {
    const { plan, folder } = loadRecipe(file, set);
    return { file, ...(await stepStages(plan, { folder, target, threads })) };
  }
  const lost = set.length > 0 ? "--set" : target ? "--target" : null;
  if (lost)
    throw new InputError({
      code: "flag-invalid",
      where: lost,
      found: `${quote(file)} is not a recipe`,
      expected: "a recipe file",
      cure: "Leave the flag out for a model",
    });
  return { file, ...modelStages(loadModelFile(file).model, file) };
}

/** One file for each stage: "training_step.1-lowering.txt". @throws InputError when one of them exists */
async function writeGraphs(graphs: readonly StagedGraph[], folder: string): Promise<string[]> {
  const files = graphs.flatMap(({ name, stages }) =>
    stages.map(({ pass, graph }, i) => {
      const path = join(folder, `${fileName(name)}.${i}-${fileName(pass)}.txt`);
      return { path, text: `${graphLines(graph).join("\n")}\n` };
    }),
  );
  for (const { path } of files) refuseOverwrite(path);
  makeFolder(folder);
  for (const { path, text } of files) await writeOutput(path, text);
  return files.map(({ path }) => path);
}

const fileName = (text: string): string => text.replace(/[^\w.-]+/g, "-") || "graph";

function describeStages(
  { file, graphs, notes, target, batch }: Found,
  full: boolean,
  files: readonly string[],
): string {
  const compiled = target === undefined ? "" : `: the training step for batches of ${batch}, target ${target}`;
  return [
    `${file}${compiled}`,
    ...graphs.map(({ name, stages }) => {
      const rows = stages.map(({ pass, graph, change }) => [
        pass,
        String(graph.nodes.length),
        String(graph.initializers.size),
        change ? changeText(change) : "",
      ]);
      return `${name}\n${columns([["pass", "nodes", "initializers", "change"], ...rows])}`;
    }),
    ...(full ? graphs.flatMap(fullText) : []),
    ...(notes.length > 0 ? [notes.map((note) => `note: ${note}`).join("\n")] : []),
    ...(files.length > 0 ? [files.map((path) => `wrote ${path}`).join("\n")] : []),
  ].join("\n\n");
}

/** "+2 Reshape, -1 Flatten, 3 rewired" */
function changeText({ added, removed, rewired }: GraphChange): string {
  const list = (sign: string, counts: Readonly<Record<string, number>>): string[] =>
    Object.entries(counts).map(([op, count]) => `${sign}${count} ${op}`);
  const parts = [...list("+", added), ...list("-", removed), ...(rewired > 0 ? [`${rewired} rewired`] : [])];
  return parts.length > 0 ? parts.join(", ") : "none";
}

/** A graph that a pass leaves as it was is not repeated. */
function fullText({ name, stages }: StagedGraph): string[] {
  let before = "";
  return stages.map(({ pass, graph }, i) => {
    const title = `== ${name}, ${i === 0 ? pass : `after ${pass}`}: ${noun(graph.nodes.length, "node")}`;
    const lines = graphLines(graph).join("\n");
    const same = lines === before;
    before = lines;
    return same ? `${title}, unchanged` : `${title}\n${lines}`;
  });
}

function stagesJson({ file, graphs, notes, target, batch }: Found, full: boolean, files: readonly string[]): unknown {
  return {
    file,
    ...(target === undefined ? {} : { target, batch }),
    graphs: graphs.map(({ name, stages }) => ({
      name,
      stages: stages.map(({ pass, graph, change }) => ({
        pass,
        nodes: graph.nodes.length,
        initializers: graph.initializers.size,
        ops: countOps(graph.nodes),
        change,
        ...(full ? { graph: graphLines(graph) } : {}),
      })),
    })),
    notes,
    ...(files.length > 0 ? { files } : {}),
  };
}
