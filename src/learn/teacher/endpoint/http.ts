/** A network endpoint as a teacher. */
import { InputError } from "../../../base/errors.js";
import { endpointName, endpointOf, requireSecrets } from "./endpoint-address.js";
import { post, shown } from "./endpoint-call.js";
import { type FunctionTeacherOptions, functionTeacher } from "../function.js";
import type { Answers } from "./answer-rows.js";
import { AskError } from "./retry.js";
import type { Teacher } from "../types.js";

export interface HttpTeacherOptions extends Omit<FunctionTeacherOptions, "ask" | "name"> {
  /** `user:password@` in it is sent as a Basic authorization header. */
  readonly url: string;
  /** Default: the url without `user:password@`, query and fragment. */
  readonly name?: string;
  /** Further headers: authorisation and the like. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Makes a teacher of an endpoint that takes POST { "shape": [...], "samples": [[...], ...] }, each sample a flat list of raw
 * values, and answers { "outputs": [...] }: for each sample a list of numbers (logits, probabilities, log-probabilities), a
 * class number (labels), or { "classes": [...], "probabilities": [...] } (top-k).
 *
 * Status 408, 425, 429 and 5xx and broken connections are tried again, after the wait that Retry-After names; any other
 * status is an error at once. Status 307 and 308 are followed within the same origin; any other redirect is an error.
 * @throws InputError when the url is not an address, or a header cannot be sent
 */
export function httpTeacher({ url, headers, ...options }: HttpTeacherOptions): Teacher {
  const endpoint = endpointOf(url, headers);
  const name = options.name ?? endpointName(url);
  return functionTeacher({
    ...options,
    name,
    async ask({ samples, count, shape, signal }): Promise<Answers> {
      requireSecrets(endpoint);
      const size = samples.length / count;
      const rows = Array.from({ length: count }, (_, i) => Array.from(samples.subarray(i * size, (i + 1) * size)));
      const body = JSON.stringify({ shape, samples: rows });
      return outputsOf(name, await post(name, endpoint, body, mostBytes(count, options.classes), signal));
    },
  });
}

/** Far more than any way of writing so many answers takes. */
const mostBytes = (count: number, classes: number): number => (1 << 20) + count * (4096 + 128 * classes);

function outputsOf(name: string, text: string): Answers {
  const body = parsed(name, text);
  const outputs = (body as { outputs?: unknown } | null)?.outputs;
  if (outputs !== undefined) return outputs as Answers;
  throw new InputError({
    code: "endpoint-answer",
    where: name,
    found: `the answer has no "outputs": ${shown(text)}`,
    expected: '{ "outputs": [...] }',
  });
}

function parsed(name: string, text: string): unknown {
  const fault = { code: "endpoint-answer", where: name, expected: 'JSON: { "outputs": [...] }' } as const;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Some libraries write numbers that JSON has not: they are told of where they stand.
    const lenient = withoutNaN(text);
    if (lenient !== null) return lenient;
    const found = text.trim() === "" ? "the answer is empty" : `the answer is not JSON: ${shown(text)}`;
    const error = new InputError({ ...fault, found });
    // Half an answer: the connection broke.
    if (/^\s*([{[]|$)/.test(text)) throw new AskError(found, {}, error);
    throw error;
  }
}

/** Reads NaN and Infinity, which are errors of a sample later; null where that is not what is wrong. */
function withoutNaN(text: string): unknown {
  const mark = "\u0000";
  const marked = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g, (found) =>
    found.startsWith('"') ? found : JSON.stringify(mark + found),
  );
  try {
    return JSON.parse(marked, (_, value: unknown) =>
      typeof value === "string" && value.startsWith(mark) ? Number(value.slice(1)) : value,
    ) as unknown;
  } catch {
    return null;
  }
}
