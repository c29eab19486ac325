/** The recipe: the declarative description of a run. Every field, its default and its meaning live here and nowhere else. */
import { z } from "zod";
import { distillationLossSchema, factorSchema, studentLossSchema, termsSchema } from "./losses-schema.js";
import { strategySchemaOf } from "./strategy-schema.js";
import { sweepSchema } from "./sweep-schema.js";

const count = z.number().int().min(1);
const fraction = z.number().min(0).max(1);
const positive = z.number().positive();
const rate = z.number().min(0).lt(1);

const activation = z
  .enum([
    "relu",
    "relu6",
    "leaky-relu",
    "gelu",
    "tanh",
    "sigmoid",
    "silu",
    "hard-swish",
    "elu",
    "selu",
    "softplus",
    "none",
  ])
  .describe("Activation function");

const split = z
  .strictObject({
    validation: z
      .number()
      .min(0)
      .default(0.15)
      .describe("Part of the training data that chooses epochs: a fraction below 1 or a number of samples"),
    test: z
      .union([z.number().min(0), z.literal("source")])
      .optional()
      .describe(
        'Fraction or number of samples held out, or "source" for the source\'s own test part (default where it has one, else 0.2)',
      ),
    stratify: z.boolean().default(true).describe("Keep the class proportions in every part"),
    seed: z.number().int().min(0).default(0).describe("Seed of the split; independent of the run's seed"),
  })
  .describe("How the data is split");

const normalise = z
  .union([
    z.enum(["none", "unit", "standard"]),
    z.strictObject({ scale: z.number().default(1), mean: z.array(z.number()).min(1), std: z.array(positive).min(1) }),
  ])
  .describe(
    '"unit" maps bytes to [0,1]; "standard" is fitted on the training part only, per channel or feature; or fixed numbers: (x * scale - mean) / std',
  );

const common = {
  classes: z
    .array(z.string())
    .min(2)
    .optional()
    .describe("Class names in the order of the indices; default: sorted as found"),
  limit: count.optional().describe("Use only the first so many samples of the source's training part"),
  labels: z.enum(["use", "ignore"]).default("use").describe('"ignore" treats labelled data as unlabelled'),
  split: split.prefault({}),
  normalise: normalise.optional().describe('Default: "unit" for images, "standard" for tables, "none" for arrays'),
};

const file = (what: string) => z.string().min(1).describe(`${what}; relative to the recipe file`);

export const dataSchema = z
  .discriminatedUnion("source", [
    z.strictObject({ source: z.literal("digits").describe("1,797 8x8 digits that come with limbeck"), ...common }),
    z.strictObject({
      source: z.literal("idx").describe("MNIST-like IDX files, plain or .gz"),
      path: file("Folder with train-images-idx3-ubyte[.gz] and its three companions").optional(),
      images: file("Image file, instead of path").optional(),
      label_file: file("Label file, instead of path").optional(),
      test_images: file("Test images").optional(),
      test_label_file: file("Test labels").optional(),
      ...common,
    }),
    z.strictObject({
      source: z.literal("table").describe("CSV, TSV, Parquet or JSON through DuckDB"),
      path: file("Table"),
      test_path: file("Table with the test part").optional(),
      label: z.string().optional().describe("Label column"),
      features: z.array(z.string()).min(1).optional().describe("Feature columns; default: all but the label"),
      ignore: z.array(z.string()).optional().describe("Columns to leave out"),
      categorical: z.array(z.string()).optional().describe("Text columns to encode one-hot"),
      ...common,
    }),
    z.strictObject({
      source: z.literal("npy").describe("NumPy arrays, one file each"),
      samples: file("Samples [N, ...]; integers stay whole numbers (token ids [N, sequence])"),
      label_file: file("Labels [N], integers").optional(),
      test_samples: file("Test samples").optional(),
      test_label_file: file("Test labels").optional(),
      ...common,
    }),
    z.strictObject({
      source: z.literal("npz").describe("NumPy archive"),
      path: file("Archive"),
      samples: z.string().default("x_train").describe("Key of the samples"),
      label_key: z.string().default("y_train").describe("Key of the labels"),
      test_samples: z.string().default("x_test").describe("Key of the test samples, if there"),
      test_label_key: z.string().default("y_test").describe("Key of the test labels, if there"),
      ...common,
    }),
    z.strictObject({
      source: z
        .literal("images")
        .describe("A folder per class (or train/ and test/ with a folder per class each), decoded by sharp"),
      path: file("Folder"),
      size: z.tuple([count, count]).describe("Height and width to resize to"),
      channels: z
        .union([z.literal(1), z.literal(3)])
        .default(3)
        .describe("1 for grey, 3 for RGB"),
      ...common,
    }),
  ])
  .describe("Where the samples come from");

const layer = z.union([
  z.strictObject({
    conv: count.describe("Filters"),
    kernel: z.union([count, z.tuple([count, count])]).default(3),
    stride: count.default(1),
    padding: z
      .union([z.enum(["same", "valid"]), z.number().int().min(0)])
      .default("same")
      .describe('"same" as in Keras (asymmetric at even strides), "valid", or pixels on each side as in PyTorch'),
    dilation: count.default(1),
    groups: count.default(1),
    bias: z.boolean().default(true),
    batch_norm: z.boolean().default(false),
    activation: activation.default("none"),
  }),
  z.strictObject({
    max_pool: count.describe("Window"),
    stride: count.optional().describe("Default: the window"),
    padding: z.union([z.enum(["same", "valid"]), z.number().int().min(0)]).default("valid"),
  }),
  z.strictObject({
    average_pool: count.describe("Window"),
    stride: count.optional().describe("Default: the window"),
    padding: z.union([z.enum(["same", "valid"]), z.number().int().min(0)]).default("valid"),
  }),
  z.strictObject({ global_pool: z.literal("average") }),
  z.strictObject({ flatten: z.literal(true) }),
  z.strictObject({
    dense: count.describe("Units"),
    bias: z.boolean().default(true),
    batch_norm: z.boolean().default(false),
    activation: activation.default("none"),
  }),
  z.strictObject({ dropout: rate }),
  z.strictObject({ batch_norm: z.literal(true) }),
  z.strictObject({ layer_norm: z.literal(true) }),
  z.strictObject({ activation }),
]);

const initialiser = z
  .enum(["pytorch", "keras", "he-normal", "he-uniform", "glorot-normal", "glorot-uniform"])
  .default("pytorch")
  .describe("Start weights: a library's layer defaults, or He / Glorot with zero biases");

const slope = z.number().min(0).default(0.2).describe("Negative slope of leaky-relu");

export const modelSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("mlp").describe("Dense layers"),
      hidden: z.array(count).describe("Units of each hidden layer; [] is a linear model"),
      activation: activation.default("relu"),
      leaky_slope: slope,
      batch_norm: z.boolean().default(false),
      dropout: rate.default(0),
      initialiser,
    }),
    z.strictObject({
      kind: z.literal("cnn").describe("A list of layers; the dense layer to the classes is added at the end"),
      layers: z.array(layer).min(1),
      leaky_slope: slope,
      initialiser,
    }),
    z.strictObject({
      kind: z.literal("preset"),
      name: z
        .enum(["keras-teacher", "keras-student", "fashion-teacher"])
        .describe("Keras's distillation tutorial's pair, or the Fashion-MNIST teacher of docs/results.md"),
      initialiser,
    }),
    z.strictObject({ kind: z.literal("lenet").describe("LeNet-5 (LeCun 1998) with ReLU"), initialiser }),
    z.strictObject({
      kind: z.literal("resnet").describe("CIFAR ResNet (He et al. 2016)"),
      depth: z.union([z.literal(8), z.literal(14), z.literal(20), z.literal(32), z.literal(56)]),
      width: z.number().positive().default(1).describe("Multiplies the channels 16, 32, 64"),
      initialiser,
    }),
    z.strictObject({
      kind: z.literal("mobilenet").describe("MobileNetV2 (Sandler et al. 2018), also for small images"),
      width: z.number().positive().default(1).describe("Multiplies the channels, which are rounded to multiples of 8"),
      shrink: z
        .union([z.literal(1), z.literal(2), z.literal(4), z.literal(8), z.literal(16), z.literal(32)])
        .optional()
        .describe(
          "By how much the last maps are smaller than the image; the first of the strides become 1. Default: as much as leaves 4 pixels, 8 for 32x32, the paper's 32 from 128x128",
        ),
      dropout: rate.default(0).describe("Before the classifier"),
      initialiser,
    }),
    z.strictObject({
      kind: z.literal("vit").describe("Vision Transformer (Dosovitskiy et al. 2021)"),
      patch: count.default(4).describe("Side of a square patch; divides height and width"),
      dim: count.default(192).describe("Width; a multiple of heads"),
      depth: count.default(4).describe("Layers"),
      heads: count.default(3).describe("Attention heads"),
      mlp_ratio: positive.default(4).describe("Hidden units of a layer's MLP, as a multiple of dim"),
      pool: z
        .enum(["class", "mean"])
        .default("class")
        .describe("What is classified: a class token, or the mean over the patches"),
      dropout: rate.default(0).describe("After the position embedding and every dense layer but query, key and value"),
      initialiser,
    }),
    z.strictObject({
      kind: z.literal("text-encoder").describe("Transformer encoder over token ids, mean pooling"),
      vocabulary: count.describe("Token ids are 0 to vocabulary - 1"),
      dim: count.default(128).describe("Width; a multiple of heads"),
      depth: count.default(2).describe("Layers"),
      heads: count.default(4).describe("Attention heads"),
      mlp_ratio: positive.default(4).describe("Hidden units of a layer's MLP, as a multiple of dim"),
      padding_id: z
        .number()
        .int()
        .min(0)
        .optional()
        .describe("Token that fills up short samples: no attention goes to it, and the mean leaves it out"),
      dropout: rate.default(0).describe("After the position embedding and every dense layer but query, key and value"),
      initialiser,
    }),
    z.strictObject({
      kind: z.literal("onnx").describe("Start from an ONNX file: its weights are the start weights"),
      file: file("ONNX model"),
      trainable: z.array(z.string()).default(["*"]).describe("Initialisers to train, by name; * matches any text"),
      frozen: z.array(z.string()).default([]).describe("Initialisers to leave alone, by name; wins over trainable"),
    }),
  ])
  .describe("The architecture");

const optimizer = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("sgd"),
      momentum: z.number().min(0).lt(1).default(0.9),
      nesterov: z.boolean().default(false),
      weight_decay: z.number().min(0).default(0),
    }),
    z.strictObject({
      kind: z.literal("adam"),
      beta1: rate.default(0.9),
      beta2: rate.default(0.999),
      epsilon: positive.default(1e-8),
      weight_decay: z.number().min(0).default(0),
    }),
    z.strictObject({
      kind: z.literal("adamw"),
      beta1: rate.default(0.9),
      beta2: rate.default(0.999),
      epsilon: positive.default(1e-8),
      weight_decay: z.number().min(0).default(1e-4),
    }),
  ])
  .describe("Update rule");

const warmup = z.number().int().min(0).default(0).describe("Steps of linear warm-up");
const lr = positive.describe("Learning rate (the highest)");
const schedule = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("constant"), lr, warmup }),
    z.strictObject({ kind: z.literal("cosine"), lr, lr_end: z.number().min(0).default(0), warmup }),
    z.strictObject({
      kind: z.literal("step"),
      lr,
      gamma: positive.default(0.1),
      milestones: z.array(fraction).min(1).describe("Fractions of the training after which lr is multiplied by gamma"),
      warmup,
    }),
    z.strictObject({
      kind: z.literal("one-cycle"),
      lr,
      warm_fraction: fraction.default(0.2).describe("Part of the steps spent rising"),
      div_factor: positive.default(25),
      final_div_factor: positive.default(1e4),
      cycle_momentum: z
        .boolean()
        .default(true)
        .describe("Cycle momentum (beta1) against the learning rate, as PyTorch does"),
      momentum_min: rate.default(0.85),
      momentum_max: rate.default(0.95),
    }),
  ])
  .describe("Learning rate over the steps");

export const trainingSchema = z
  .strictObject({
    epochs: positive.optional().describe("Passes over the samples trained on; give this or steps"),
    steps: count.optional().describe("Updates; the fair budget when runs see different numbers of samples"),
    batch: count.default(64).describe("Samples a step (of a micro-batch with accumulate)"),
    accumulate: count.default(1).describe("Micro-batches a step"),
    optimizer: optimizer.prefault({ kind: "adamw" }),
    schedule: schedule.prefault({ kind: "one-cycle", lr: 0.002 }),
    clip_norm: z.number().min(0).default(0).describe("Clip the gradient's global norm; 0 is off"),
    augment: z
      .strictObject({
        flip: z.boolean().default(false).describe("Flip horizontally, one view in two"),
        shift: z.number().int().min(0).default(0).describe("Shift by up to so many pixels each way"),
      })
      .optional()
      .describe(
        "Random views of images. Cached teacher answers belong to the unchanged image, so only training on labels may use it",
      ),
    select: z.enum(["best", "last"]).default("best").describe("Weights kept: best by validation, or last"),
    early_stopping: z
      .strictObject({ patience: count })
      .optional()
      .describe("Stop after so many validations without a better one"),
    validate_every: count
      .optional()
      .describe("Steps between validations; default: an epoch, but at most 40 validations"),
    gradient_shares_every: z
      .number()
      .int()
      .min(0)
      .default(100)
      .describe("Steps between measurements of each term's share of the gradient; 0 is never"),
  })
  .refine((t) => (t.epochs === undefined) !== (t.steps === undefined), {
    message: "give either epochs or steps (null takes one away: --set training.epochs=null)",
    path: ["epochs"],
  })
  .describe("Budget and optimisation");

export const strategySchema = strategySchemaOf(modelSchema, trainingSchema);
/** The kinds of strategies. */
export const STRATEGIES = strategySchema.options.flatMap((o) => [...o.shape.kind.values]);

export const objectiveSchema = z
  .strictObject({
    alpha: fraction
      .optional()
      .describe("How much the student follows the teacher rather than the labels; 1 needs no labels. Default 0.9"),
    alpha_schedule: factorSchema
      .optional()
      .describe("Multiplies alpha over the training; the student loss gets the rest up to 1"),
    weights: z
      .strictObject({ student: z.number().min(0), distillation: z.number().min(0) })
      .optional()
      .describe("Explicit weights instead of alpha; they need not sum to 1"),
    student_loss: studentLossSchema,
    distillation_loss: distillationLossSchema,
    terms: termsSchema,
  })
  .refine((o) => o.alpha === undefined || o.weights === undefined, {
    message: "give either alpha or weights",
    path: ["weights"],
  })
  .describe("What the student minimises");

const storePrecision = z.enum(["float32", "float16"]).default("float32").describe("Precision of the label store");

export const trainedTeacherSchema = z.strictObject({
  model: modelSchema,
  training: trainingSchema,
  label_smoothing: rate.default(0).describe("Label smoothing of the teacher's own training"),
  train_on: z
    .enum(["all", "labelled", "disjoint-half"])
    .default("all")
    .describe(
      "Training samples the teacher sees with labels: all, only those the student may use, or one half while the student gets the other",
    ),
  seeds: z.enum(["one", "each"]).default("one").describe('"each" trains a teacher for every seed'),
  precision: storePrecision,
});

export const fileTeacherSchema = z.strictObject({
  file: file("ONNX classifier; {n} in the name stands for 1, 2, ... and makes a teacher for each of the seeds"),
  input: z.string().optional().describe("Name of the graph input; default: the only one"),
  output: z.string().optional().describe("Name of the graph output; default: the one that fits the classes"),
  outputs: z
    .enum(["auto", "logits", "probabilities"])
    .default("auto")
    .describe("What the output holds; auto looks at the data and says so"),
  layout: z.enum(["auto", "nchw", "nhwc"]).default("auto").describe("Order of image dimensions"),
  resize: z
    .enum(["auto", "none"])
    .default("auto")
    .describe("Resize images to the model's fixed input size (bilinear) when it differs"),
  normalise: z
    .union([
      z.enum(["data", "none", "unit"]),
      z.strictObject({ scale: z.number().default(1), mean: z.array(z.number()).min(1), std: z.array(positive).min(1) }),
    ])
    .default("data")
    .describe(
      'Applied to raw samples before the teacher: "data" as for the student, "none" raw, "unit" bytes / 255, or numbers (x * scale - mean) / std',
    ),
  classes: z
    .array(z.string())
    .min(2)
    .optional()
    .describe("Class names in the order of the teacher's outputs, when it differs from the data's"),
  batch: count.default(64).describe("Samples a call, for models with a free batch dimension"),
  allow_chance: z
    .boolean()
    .default(false)
    .describe("Go on although labelled data shows the teacher near chance, or its classes in another order"),
  trained_on: z.string().optional().describe("What it had seen, for the report; default: unknown"),
  precision: storePrecision,
});

const storeTeacherSchema = z.strictObject({ label_store: file("Folder written by `limbeck label`") });

export const httpTeacherSchema = z.strictObject({
  url: z
    .string()
    .min(1)
    .describe("Address that takes POST { shape, samples } and answers { outputs }: docs/teachers.md"),
  answers: z
    .enum(["logits", "probabilities", "log-probabilities", "labels", "top-k"])
    .describe("What an answer is: a number a class, one class number, or the best classes with their probabilities"),
  headers: z
    .record(z.string(), z.string())
    .default({})
    .describe("Further headers; $NAME in a value is taken from the environment, so that no secret stands in a recipe"),
  version: z
    .string()
    .default("1")
    .describe("Change it when the endpoint answers differently: its label store is tied to it"),
  batch: count.default(64).describe("Samples a call, and answers that a killed labelling can lose"),
  calls_per_second: positive.optional().describe("At most so many calls; default no limit"),
  retries: z.number().int().min(0).default(4).describe("Further tries after a failure, each after twice the wait"),
  timeout_seconds: positive.default(60).describe("After which a call counts as failed"),
  trained_on: z.string().optional().describe("What it had seen, for the report; default: unknown"),
  precision: storePrecision,
});

const singleTeacherSchema = z.union([trainedTeacherSchema, fileTeacherSchema, storeTeacherSchema, httpTeacherSchema]);

export const groupTeacherSchema = z.strictObject({
  group: z
    .array(singleTeacherSchema)
    .min(2)
    .describe("Two teachers or more, each a model, a file or a label store; trained ones differ in their seeds"),
  combine: z
    .enum(["mean-probabilities", "mean-logits", "mean-losses"])
    .default("mean-probabilities")
    .describe("What is averaged: three different things, see docs/teachers.md"),
  weights: z
    .union([z.array(positive).min(2), z.literal("confidence")])
    .optional()
    .describe(
      'One number a teacher; or "confidence": a sample at a time by each teacher\'s cross-entropy with its label, Zhang 2022 (CA-MKD). Default: all alike',
    ),
});

export const teacherSchema = z
  .union([trainedTeacherSchema, fileTeacherSchema, storeTeacherSchema, httpTeacherSchema, groupTeacherSchema])
  .describe(
    "Who teaches: a model to train (model, training), an ONNX file (file), a label store (label_store), an endpoint (url), or several of these (group)",
  );

export const recipeSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[\w.-]+$/, "letters, digits, . _ - only")
      .default("distillation")
      .describe("Names the run's folder"),
    description: z.string().optional().describe("One paragraph for the report"),
    seed: z.number().int().min(0).default(0).describe("Everything random is a function of it"),
    seeds: count.default(1).describe("How many students (and baselines) are trained, with seeds seed, seed + 1, ..."),
    data: dataSchema,
    teacher: teacherSchema,
    student: modelSchema,
    training: trainingSchema,
    objective: objectiveSchema.prefault({}),
    strategy: strategySchema.prefault({ kind: "one-shot" }),
    transfer: z
      .strictObject({
        labelled: z
          .union([z.literal("all"), count])
          .default("all")
          .describe("Training samples whose labels the student and its baseline may use"),
        samples: z
          .enum(["labelled", "all"])
          .default("labelled")
          .describe(
            "Training samples the student sees: the labelled ones, or all of them (then without labels: objective.alpha 1)",
          ),
        part: z
          .enum(["all", "second-half"])
          .default("all")
          .describe(
            "second-half: only the half that a teacher with train_on: disjoint-half leaves to the student, also when the teacher is another one",
          ),
      })
      .prefault({})
      .describe("What the student may see of the training data"),
    baseline: z.boolean().default(true).describe("Also train the same student on labels alone, with the same budget"),
    variants: z
      .array(
        z.strictObject({
          name: z.string().min(1),
          set: z.record(z.string(), z.unknown()).describe("Recipe fields to change: path -> value"),
        }),
      )
      .default([])
      .describe("Further students in the same run: this recipe with some fields changed"),
    sweep: sweepSchema.optional(),
    evaluation: z
      .strictObject({
        top_k: count.default(5),
        latency_runs: count.default(200).describe("Calls at batch 1, after warm-up"),
      })
      .prefault({}),
    export: z
      .strictObject({ raw: z.boolean().default(false).describe("Leave the normalisation out of the exported graph") })
      .prefault({}),
  })
  .describe("A limbeck recipe");

/** Readonly all the way down: what is taken is never changed. */
export type Given<T> = T extends (infer E)[]
  ? readonly Given<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Given<T[K]> }
    : T;

/** A recipe as written: defaults may be missing. */
export type RecipeInput = Given<z.input<typeof recipeSchema>>;
export type DataInput = Given<z.input<typeof dataSchema>>;
export type ModelInput = Given<z.input<typeof modelSchema>>;
export type TrainingInput = Given<z.input<typeof trainingSchema>>;
export type ObjectiveInput = Given<z.input<typeof objectiveSchema>>;
export type FileTeacherInput = Given<z.input<typeof fileTeacherSchema>>;
/** A recipe with every default filled in. */
export type Recipe = z.output<typeof recipeSchema>;
export type DataRecipe = z.output<typeof dataSchema>;
export type ModelRecipe = z.output<typeof modelSchema>;
export type TrainingRecipe = z.output<typeof trainingSchema>;
export type ObjectiveRecipe = z.output<typeof objectiveSchema>;
export type TrainedTeacherRecipe = z.output<typeof trainedTeacherSchema>;
export type FileTeacherRecipe = z.output<typeof fileTeacherSchema>;
export type SweepRecipe = z.output<typeof sweepSchema>;
export type StrategyRecipe = z.output<typeof strategySchema>;
export type TeacherRecipe = z.output<typeof teacherSchema>;
export type SingleTeacherRecipe = z.output<typeof singleTeacherSchema>;
export type GroupTeacherRecipe = z.output<typeof groupTeacherSchema>;
export type HttpTeacherRecipe = z.output<typeof httpTeacherSchema>;
