/** Students that learn together must be constants in each other's losses. */
import { compileTraining } from "../../engine/compile/compile.js";
import { joinPeers, weightsOfPeer } from "../../engine/compile/peers.js";
import type { TrainableModel } from "../../engine/graph/trainable-model.js";
import { portsOf } from "../../learn/data/arrays.js";
import type { LoadedData } from "../../learn/data/types.js";
import type { Value } from "../../engine/graph/builder.js";
import { type CustomLossConfig, isCustom } from "../../engine/objective/custom.js";
import type { LossNeeds } from "../../engine/objective/entry.js";
import type { ObjectiveConfig, StudentLossConfig } from "../../engine/objective/objective.js";
import { lossOf } from "../../engine/objective/registry.js";
import { lossSettingsOf } from "../../engine/objective/settings.js";
import type { LossInputs } from "../../engine/objective/types.js";
import { baselineObjectiveOf } from "../../run/recipe/resolve.js";
import { jointTraining } from "../../run/strategies/registry.js";
import { prepareModel } from "../../run/students/prepare.js";
import { withRawInput } from "../../run/students/training.js";
import { callStep } from "./compiled-step.js";
import { type Check, type Finding, fine, skipped } from "./types.js";

const CHECK = "mutual learning";
const SAMPLES = 16;

/** Asks the compiled step of students that learn from each other for every student's gradient from every other's loss. */
export const mutualStep: Check = (patient) => {
  const { plan, loaded, folder } = patient;
  const joint = jointTraining(plan, loaded);
  const loss = joint?.objective.distillationLoss;
  if (!joint || !loss) return [skipped(CHECK, "the students do not learn from each other")];
  if (joint.objective.weights?.distillation === 0)
    return [skipped(CHECK, "strategy.weight is 0, so the students do not learn from each other")];
  const { data } = loaded;
  const students = joint.models.map(
    (model, i) =>
      prepareModel(model, { folder, data, classes: data.classes.length, seed: plan.seed + i * plan.seeds }).model,
  );
  return probeMutual({
    students,
    loaded,
    samples: joint.arm.labelled.slice(0, SAMPLES),
    studentLoss: baselineObjectiveOf(plan.objective).studentLoss,
    loss,
  });
};

export interface MutualProbe {
  readonly students: readonly TrainableModel[];
  readonly loaded: LoadedData;
  /** With labels. */
  readonly samples: Uint32Array;
  readonly studentLoss: StudentLossConfig;
  /** What they learn from each other. */
  readonly loss: NonNullable<ObjectiveConfig["distillationLoss"]>;
}

/**
 * Compiles the joint training step with a switch for each student's losses, turns on one student at a time and looks at
 * everybody's gradients: those of the others must be 0, exactly, for whatever is constant is not reached at all.
 */
export async function probeMutual(probe: MutualProbe): Promise<Finding[]> {
  const { students, loaded, samples } = probe;
  const { data } = loaded;
  const joined = joinPeers(students);
  const model = withRawInput({ model: joined }, loaded);
  const compiled = compileTraining({
    model,
    batch: samples.length,
    inputs: portsOf(data),
    classes: data.classes.length,
    objective: switchedObjective(probe),
  });
  let own = 0;
  let worst = { size: 0, learner: 0, peer: 0 };
  for (const learner of students.keys()) {
    const scalars = Object.fromEntries(students.map((_, i) => [switchName(i), Number(i === learner)]));
    const outputs = await callStep(compiled.step.graph, { compiled, model, data, indices: samples, scalars });
    const gradients = new Map(
      compiled.step.parameters.map((p) => [p.name, outputs.get(p.gradient) as Float32Array] as const),
    );
    for (const peer of students.keys()) {
      const size = largest(weightsOfPeer(gradients, peer).values());
      if (peer === learner) own = Math.max(own, size);
      else if (!(size <= worst.size)) worst = { size, learner, peer };
    }
  }
  const found = `${students.length} students: the largest gradient of one from another's loss is ${worst.size.toPrecision(2)}, from its own ${own.toPrecision(2)}`;
  if (worst.size === 0) return [fine(CHECK, found)];
  return [
    {
      check: CHECK,
      status: "fail",
      found: `${found} (the loss of student ${worst.learner + 1} moves student ${worst.peer + 1})`,
      why: "a student must be a constant in the losses of the others; otherwise they pull it towards them",
      change: isCustom(probe.loss)
        ? "read the others' logits only from inputs.peers, where they are constants"
        : "this is a bug in limbeck: please report it, and do not use strategy.kind mutual until it is fixed",
    },
  ];
}

/** Both losses, each student's behind a switch of its own. */
function switchedObjective({ students, studentLoss, loss }: MutualProbe): ObjectiveConfig {
  const labels = lossOf(studentLoss);
  const labelSettings = lossSettingsOf(labels, studentLoss, "objective.student_loss");
  const peers = lossOf(loss);
  const peerSettings = isCustom(loss) ? { ...loss } : lossSettingsOf(peers, loss, "objective.distillation_loss");
  const count = students.length;
  return {
    peers: count,
    weights: { student: 0, distillation: 1 },
    studentLoss: { kind: "cross-entropy" },
    distillationLoss: switched("peers", count, { teacher: false, labels: false }, (inputs) =>
      peers.build(inputs, peerSettings),
    ),
    terms: [switched("labels", count, labels.needs, (inputs) => labels.build(inputs, labelSettings))],
  };
}

const switchName = (student: number): string => `/of-student-${student + 1}`;

/** A loss times a run-time number for each of the students; it is built for one after the other, in their order. */
function switched(
  name: string,
  students: number,
  needs: LossNeeds,
  build: (inputs: LossInputs) => Value,
): CustomLossConfig {
  let next = 0;
  return {
    kind: "custom",
    definition: {
      name,
      needs,
      build(inputs) {
        // The step and the graph that measures shares are built one after the other.
        const student = next++ % students;
        const value = build(inputs);
        return inputs.builder.op("Mul", [value, inputs.scalar(switchName(student).slice(1), 1)]);
      },
    },
  };
}

/** NaN, once it is there, stays. */
function largest(gradients: Iterable<Float32Array>): number {
  let most = 0;
  for (const values of gradients) for (const v of values) if (!(Math.abs(v) <= most)) most = Math.abs(v);
  return most;
}
