/** A whole distillation, from the start of the process to its end: label, train five epochs, evaluate. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder } from "../../src/node/atomic.js";
import { loadModelFile } from "../../src/node/model-file.js";
import { buildModel } from "../../src/engine/models/model.js";
import { packageRoot } from "../../src/node/package-root.js";
import { trainModel } from "../../src/run/pipeline/train-model.js";
import { lacksPython, PIP, peer, THREADS, threadVariables } from "../harness/systems.js";
import { SEED } from "../workloads.js";
import { type ProgramSystem, playPrograms } from "./programs.js";
import type { Row, RowOptions } from "./row.js";

const IMAGES = process.env.LIMBECK_BENCH_FASHION ?? "/usr/share/datasets/fashion-mnist";
const TEACHER_EPOCHS = 3;
const EPOCHS = Number(process.env.LIMBECK_BENCH_EPOCHS ?? 5);
/** Answers of one teacher in four programs. */
const TOLERANCE = 1e-4;
/** Images limbeck keeps for validation; the others leave as many out. */
const VALIDATION = 2000;

const data = {
  source: "idx",
  path: IMAGES,
  normalise: "unit",
  split: { validation: VALIDATION, test: "source" },
} as const;
const adam = { kind: "adam" } as const;
const constant = { kind: "constant", lr: 0.001 } as const;

/** Where the teacher is kept, so that it is trained once. */
export const teacherFolder = (): string => join(packageRoot(), "runs", "bench-teacher");

export const END_TO_END_ROW: Row = {
  name: "end-to-end",
  title: "A whole distillation on Fashion-MNIST, wall time of the process",
  rounds: 2,
  always: true,
  async measure(options) {
    if (!existsSync(IMAGES))
      throw new Error(`${IMAGES} is missing: install Debian's dataset-fashion-mnist, or set LIMBECK_BENCH_FASHION`);
    await prepareTeacher(options);
    const folder = mkdtempSync(join(tmpdir(), "limbeck-bench-end-to-end-"));
    try {
      writeFileSync(join(folder, "recipe.json"), JSON.stringify(recipe()));
      const compared = { what: "teacher's answers", tolerance: TOLERANCE };
      const title = `${60000 - VALIDATION} images, keras-teacher labels or answers online, keras-student, batch 64, Adam, T 4, alpha 0.9, ${EPOCHS} epochs, accuracy on 10,000 test images`;
      const cases = [await playPrograms(systems(folder), { name: "fashion-mnist", title, compared }, options)];
      return { about: ABOUT, cases };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

const ABOUT = [
  `limbeck trains the teacher once, for ${TEACHER_EPOCHS} epochs, and all systems use its weights. Each system has its own`,
  "initial student weights and its own batch order. Each round uses a different seed.",
  "",
  "- limbeck runs a recipe from the command line. It labels all 70,000 images, trains, validates, evaluates",
  "  teacher and student on the test images, measures latency, and writes model and report.",
  "- PyTorch online runs the teacher for every batch. PyTorch cached runs it once for every training image. Both",
  "  use channels_last, the faster format here.",
  "- Keras runs its `keras.distillation.Distiller` with `fit` as documented, except for",
  "  `loss=keras.losses.KLDivergence()`. With the default, a string, Keras 3.15 computes the divergence of the",
  "  raw logits, without softmax and T^2. That is a different objective and gives a worse student.",
];

async function prepareTeacher({ log }: RowOptions): Promise<void> {
  const folder = teacherFolder();
  if (existsSync(join(folder, "teacher.json"))) return;
  log(`end-to-end: training the teacher, ${TEACHER_EPOCHS} epochs`);
  makeFolder(folder);
  const out = join(folder, "training");
  rmSync(out, { recursive: true, force: true });
  const preset = { kind: "preset", name: "keras-teacher" } as const;
  const training = { epochs: TEACHER_EPOCHS, batch: 64, optimizer: adam, schedule: constant, select: "last" } as const;
  const { model } = await trainModel(
    {
      name: "bench-teacher",
      seed: SEED,
      data,
      teacher: { model: preset, training },
      student: { kind: "preset", name: "keras-student" },
      training,
    },
    { model: "teacher", out, threads: THREADS },
  );
  writeFileSync(join(folder, "teacher.onnx"), readFileSync(model));
  const { initializers } = loadModelFile(model).model.graph;
  const built = buildModel(preset, { inputShape: [1, 28, 28], classes: 10, seed: SEED });
  let offset = 0;
  const parameters = built.parameters.map(({ name, shape, size }) => {
    offset += size;
    return { name, shape, offset: offset - size };
  });
  const weights = new Float32Array(offset);
  for (const { name, offset: at } of parameters) {
    const values = initializers.get(name)?.data;
    if (!(values instanceof Float32Array)) throw new Error(`${model} has no float32 initialiser "${name}"`);
    weights.set(values, at);
  }
  writeFileSync(join(folder, "weights.f32"), weights);
  // Last: its presence says that the folder is complete.
  const spec = { model: preset, inputShape: [1, 28, 28], classes: 10, parameters };
  writeFileSync(join(folder, "teacher.json"), `${JSON.stringify(spec, null, 2)}\n`);
}

function recipe(): unknown {
  return {
    name: "bench-end-to-end",
    data,
    // The exported teacher takes raw pixels: its normalisation is inside.
    teacher: { file: join(teacherFolder(), "teacher.onnx"), normalise: "none" },
    student: { kind: "preset", name: "keras-student" },
    training: { epochs: EPOCHS, batch: 64, optimizer: adam, schedule: constant, select: "last" },
    objective: { alpha: 0.9, distillation_loss: { kind: "kd", temperature: 4 } },
    baseline: false,
  };
}

function systems(folder: string): ProgramSystem[] {
  const python = (name: string, title: string, module: string, script: string, flags: readonly string[]) => ({
    name,
    title,
    missing(options: RowOptions): string | null {
      const reason = lacksPython(options, module);
      return reason && `${reason}. To install it: ${PIP}`;
    },
    command: (round: number, options: RowOptions) => ({
      command: options.python,
      args: [
        peer(script),
        ...[teacherFolder(), IMAGES, String(THREADS), String(round), String(EPOCHS), String(VALIDATION)],
        ...flags,
      ],
      env: threadVariables,
    }),
  });
  return [
    {
      name: "limbeck",
      title: "limbeck",
      missing: () => null,
      command: (round) => ({
        command: process.execPath,
        args: [
          join(packageRoot(), "build-bench", "bench", "limbeck", "distill.js"),
          ...[join(folder, "recipe.json"), join(folder, `run-${round}`), String(THREADS), String(round)],
        ],
      }),
    },
    python("torch-online", "PyTorch, teacher online", "torch", "end_to_end_torch.py", ["online"]),
    python("torch-cached", "PyTorch, cached logits", "torch", "end_to_end_torch.py", ["cached"]),
    python("keras-distiller", "Keras Distiller", "keras, tensorflow", "end_to_end_keras.py", []),
  ];
}
