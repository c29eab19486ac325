/** A teacher that answers over HTTP. */
import { z } from "zod";
import { className, count, positive } from "../../../base/schema-fields.js";
import { ADDRESS_REFERENCE } from "../../../base/secrets.js";
import type { RecipeTeacher } from "../../recipe/registries.js";
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

export type EndpointTeacherPlan = z.output<typeof fields>;

export const endpointTeacher: RecipeTeacher<EndpointTeacherPlan> = { kind: "endpoint", mark: "url", schema };
