/** A teacher in training mode. */
import { loadModelFile } from "../../graph/file.js";
import type { Graph, Node } from "../../graph/types.js";
import { noun } from "../../noun.js";
import { type Check, fine, skipped } from "./types.js";

const CHECK = "teacher's mode";

/** Looks for nodes in training mode, and asks the teacher the same twice, in other company. */
export const teacherMode: Check = ({ teacher, answers, again }) => {
  if (!teacher?.file) return [skipped(CHECK, "the teacher is not an ONNX file")];
  const { graph } = loadModelFile(teacher.file).model;
  const training = graph.nodes.filter((node) => inTraining(node, graph));
  const why = "it uses dropout or batch statistics, so its answers are noisy or depend on the batch";
  const change = "export it in evaluation mode (PyTorch: model.eval() before export), then label again";
  if (training.length > 0) {
    const names = training.slice(0, 3).map((n) => `${n.op} "${n.name}"`);
    return [
      {
        check: CHECK,
        status: "fail",
        found: `${noun(training.length, "node")} in training mode: ${names.join(", ")}`,
        why,
        change,
      },
    ];
  }
  if (!answers || !again) return [skipped(CHECK, "the teacher's answers are not available")];
  const largest = answers.values.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-12);
  const difference = answers.values.reduce((most, v, i) => Math.max(most, Math.abs(v - (again[i] as number))), 0);
  const found = `the answers for the same samples in a different order differ by up to ${difference.toPrecision(2)} (largest answer ${largest.toPrecision(3)})`;
  return [difference > 1e-2 * largest ? { check: CHECK, status: "fail", found, why, change } : fine(CHECK, found)];
};

function inTraining(node: Node, graph: Graph): boolean {
  if (node.op === "BatchNormalization") {
    const mode = node.attributes.training_mode;
    return mode?.kind === "int" && Number(mode.value) === 1;
  }
  if (node.op !== "Dropout" || !node.inputs[2]) return false;
  const flag = graph.initializers.get(node.inputs[2]);
  return flag !== undefined && Number(flag.data[0]) === 1;
}
