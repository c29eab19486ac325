/** The recipe's data: sources, splits, normalisation. */
import { assembled } from "../../../base/registry.js";
import { z } from "zod";
import { count, file, positive } from "../../../base/schema-fields.js";

const split = z
  .strictObject({
    validation: z
      .union([z.number().min(0), z.literal("source")])
      .optional()
      .describe(
        'Samples that select the epoch: a fraction (below 1) or a number of samples of the training part, or "source" for the source\'s own validation part. Default: "source" if it exists, otherwise 0.15',
      ),
    test: z
      .union([z.number().min(0), z.literal("source")])
      .optional()
      .describe(
        'Test samples: a fraction or a number of samples, or "source" for the source\'s own test part. Default: "source" if it exists, otherwise 0.2',
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
    '"unit" maps bytes to [0,1]; "standard" is computed on the training part only, per channel or feature; or fixed numbers: (x * scale - mean) / std',
  );

/** As `className`; labels may be negative numbers. */
const labelName = z.union([z.string().min(1), z.number().int()]).transform(String);

const common = {
  classes: z
    .array(labelName)
    .min(2)
    .optional()
    .describe(
      "Class names in the order of the indices. Labels are matched by name; whole numbers that are not names are indices into the list. Default: the names found, sorted",
    ),
  limit: count
    .optional()
    .describe(
      "Number of samples to use from the source's training part, drawn with split.seed in proportion to the classes",
    ),
  labels: z.enum(["use", "ignore"]).default("use").describe('"ignore" treats labelled data as unlabelled'),
  split: split.prefault({}),
  normalise: normalise.optional().describe('Default: "unit" for images, "standard" for tables, "none" for arrays'),
};

const sources = [
  z.strictObject({ source: z.literal("digits").describe("1,797 8x8 digits that come with limbeck"), ...common }),
  z.strictObject({
    source: z.literal("idx").describe("MNIST-like IDX files, plain or .gz"),
    path: file("Folder with train-images-idx3-ubyte[.gz] and its three companions").optional(),
    images: file("Image file, instead of path").optional(),
    labelFile: file("Label file, instead of path").optional(),
    testImages: file("Test images").optional(),
    testLabelFile: file("Test labels").optional(),
    ...common,
  }),
  z.strictObject({
    source: z.literal("table").describe("CSV, TSV, Parquet or JSON"),
    path: file("Table"),
    testPath: file("Table with the test part").optional(),
    label: z.string().optional().describe("Label column"),
    features: z.array(z.string()).min(1).optional().describe("Feature columns; default: all but the label"),
    ignore: z.array(z.string()).optional().describe("Columns to ignore"),
    categorical: z.array(z.string()).optional().describe("Text columns to encode one-hot"),
    missing: z
      .enum(["error", "mean", "drop"])
      .default("error")
      .describe(
        'Missing values of features (empty, NA, NaN, null, ? and the like): "error" counts them and stops; "mean" replaces them with the mean of the training part, also in the exported model; "drop" drops their rows',
      ),
    decimal: z
      .enum([".", ","])
      .optional()
      .describe(
        'Decimal mark of numbers stored as text; the other character groups thousands. Needed only if a column is ambiguous ("1,234")',
      ),
    encoding: z
      .string()
      .min(1)
      .optional()
      .describe('Encoding of a CSV or JSON file, such as "utf-16", "windows-1252" or "latin-1"; default: "utf-8"'),
    ...common,
  }),
  z.strictObject({
    source: z.literal("npy").describe("NumPy arrays, one file each"),
    samples: file("Samples [N, ...]; integers stay integers (token ids [N, sequence])"),
    labelFile: file("Labels [N]: integers or text; or one-hot [N, classes]").optional(),
    testSamples: file("Test samples").optional(),
    memory: z
      .enum(["auto", "whole", "file"])
      .default("auto")
      .describe(
        '"file" reads samples when they are needed and shuffles them in blocks, for data larger than memory; "whole" loads all samples; "auto" is "file" if the files exceed an eighth of the machine\'s memory, or one of them 2 GiB',
      ),
    testLabelFile: file("Test labels").optional(),
    ...common,
  }),
  z.strictObject({
    source: z.literal("npz").describe("NumPy archive"),
    path: file("Archive"),
    samples: z.string().default("x_train").describe("Key of the samples"),
    labelKey: z.string().default("y_train").describe("Key of the labels"),
    testSamples: z.string().default("x_test").describe("Key of the test samples, if any"),
    testLabelKey: z.string().default("y_test").describe("Key of the test labels, if any"),
    validationSamples: z.string().default("x_val").describe("Key of the validation samples, if any"),
    validationLabelKey: z.string().default("y_val").describe("Key of the validation labels, if any"),
    ...common,
  }),
  z.strictObject({
    source: z
      .literal("images")
      .describe(
        "One folder per class, or train/, val/ and test/ (or other usual names) with one folder per class each; decoded by sharp",
      ),
    path: file("Folder"),
    size: z.tuple([count, count]).describe("Height and width to resize to"),
    channels: z
      .union([z.literal(1), z.literal(3)])
      .default(3)
      .describe("1 for grey, 3 for RGB"),
    skipUnreadable: z
      .boolean()
      .default(false)
      .describe("Skip images that cannot be decoded, and list them; default: an error that lists them"),
    ...common,
  }),
] as const;

export const dataSchema = assembled(() =>
  z.discriminatedUnion("source", sources).describe("The source of the samples"),
);
