/** A teacher that answers over HTTP. */
import { z } from "zod";
import { InputError } from "../../../base/errors.js";
import { className, count, positive } from "../../../base/schema-fields.js";
import { ADDRESS_REFERENCE } from "../../../base/secrets.js";
import { knownClasses, ordered } from "../../../learn/teacher/partial.js";
import { openLabelStore } from "../../../learn/teacher/store/store.js";
import type { Teacher } from "../../../learn/teacher/types.js";
import { fingerprint } from "../../folder/context.js";
import { openEndpoint } from "../endpoint.js";
import { labelFolder, labelOptions } from "../label-source.js";
import type { ReadyTeacher } from "../ready-teacher.js";
import { PLAIN_STEP } from "../step-teacher.js";
import type { TeacherEntry, TeacherOf, TeacherRequest } from "../teacher-entry.js";
import { prepareViews } from "../views.js";
import { storePrecision } from "./fields.js";

/** Whether it is the address of an endpoint, or will be once its references are replaced. */
function isAddress(text: string): boolean {
  if (/^\$[A-Z_]/.test(text)) return true;
  const url = text.replace(ADDRESS_REFERENCE, "1");
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

const fields = z.strictObject({
  url: z
    .string()
    .min(1)
    .refine(isAddress, { message: "expected an http or https address" })
    .describe(
      "URL that accepts POST { shape, samples } and returns { outputs } (docs/teachers.md). $NAME is read from the environment; user:password@ is sent as a Basic authorization header",
    ),
  answers: z
    .enum(["logits", "probabilities", "log-probabilities", "labels", "top-k"])
    .describe(
      "Kind of answer: one number per class, one class number, or the most likely classes with their probabilities",
    ),
  classes: z
    .array(className)
    .min(2)
    .optional()
    .describe(
      "Class names in the order of its answers, if it differs from the data's. In groups with combine: merge, only some of the classes may be listed",
    ),
  headers: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      "More headers. $NAME in a value is read from the environment; any other value is masked in copies of the recipe",
    ),
  version: z
    .string()
    .default("1")
    .describe("Change this if the endpoint's answers change; a label store belongs to one version"),
  batch: count.default(64).describe("Samples per call; also the number of answers lost if labelling is killed"),
  callsPerSecond: positive.optional().describe("Limit on calls per second; default: no limit"),
  retries: z
    .number()
    .int()
    .min(0)
    .default(4)
    .describe("Retries after a failure; the wait doubles each time, up to one minute"),
  timeoutSeconds: positive.default(60).describe("Time after which a call without an answer fails"),
  maxWaitSeconds: positive
    .default(300)
    .describe("Longest accepted Retry-After wait; a longer one ends the run, which can be resumed later"),
  trainedOn: z.string().optional().describe("Training data of the teacher, for the report; default: unknown"),
  precision: storePrecision,
});

const schema = () => fields;

declare module "../../recipe/registries.js" {
  interface SingleTeacherSchemas {
    endpoint: typeof schema;
  }
}

type EndpointTeacher = TeacherOf<"endpoint">;

export const endpointTeacher: TeacherEntry<EndpointTeacher> = {
  kind: "endpoint",
  mark: "url",
  schema,
  words: "an endpoint (url)",
  classes: ({ classes }) => classes,
  slow: true,
  unasked: "the teacher is an endpoint",
  prepare,
  async stepTeacher({ answers }, { classes }) {
    const kind = answers === "logits" || answers === "log-probabilities" ? "logits" : "probabilities";
    return { ...PLAIN_STEP, kind, classes };
  },
};

/** Its answers, as far as they are there already, or come. */
async function prepare(teacher: EndpointTeacher, { context, arm, storeFolder }: TeacherRequest): Promise<ReadyTeacher> {
  const { data } = context.loaded;
  if (data.classes.length === 0)
    throw new InputError({
      code: "option-missing",
      where: "data.classes",
      found: "the data names no classes, and an endpoint does not say how many there are",
      expected: "their names",
    });
  const named = teacher.classes && data.classes.join("\0") !== teacher.classes.join("\0") ? teacher.classes : null;
  const known = named && (knownClasses(named, data) ?? named.map((c) => data.classes.indexOf(c)));
  const asked = openEndpoint(context, teacher, known?.length ?? data.classes.length);
  const opened = known ? ordered(asked, known, data.classes.length) : asked;
  for (const note of opened.notes) context.notes.push(`${opened.name}: ${note}`);
  const key = fingerprint(opened.hash, opened.preprocessing, teacher.precision);
  const options = labelOptions(context, opened, teacher.precision);
  const store = await openLabelStore(storeFolder ?? labelFolder(context, key.slice(0, 12)), opened, data, options);
  const open = async (): Promise<Teacher> => opened;
  const views = storeFolder
    ? undefined
    : await prepareViews(arm, data, opened, open, { folder: labelFolder(context), options });
  const trainedOn = teacher.trainedOn ?? "unknown: the answers come from an endpoint";
  const { knows } = opened;
  const unknown = { fitted: null, file: null, bytes: 0, parameters: null };
  return { key, name: opened.name, store, trainedOn, ...unknown, views, ...(knows ? { knows } : {}) };
}
