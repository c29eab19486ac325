/** A network endpoint as a teacher. */
import { InputError } from "../errors.js";
import { type Answers, AskError, type FunctionTeacherOptions, functionTeacher } from "./function.js";
import type { Teacher } from "./types.js";

export interface HttpTeacherOptions extends Omit<FunctionTeacherOptions, "ask" | "name"> {
  readonly url: string;
  /** Default: the url without its query. */
  readonly name?: string;
  /** Further headers: authorisation and the like. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Makes a teacher of an endpoint that takes POST { "shape": [...], "samples": [[...], ...] }, each sample a flat list of raw
 * values, and answers { "outputs": [...] }: for each sample a list of numbers (logits, probabilities, log-probabilities), a
 * class number (labels), or { "classes": [...], "probabilities": [...] } (top-k).
 *
 * Status 408, 425, 429 and 5xx and broken connections are tried again (429 and 503 after the wait that Retry-After names);
 * any other status is an error at once.
 * @throws InputError when the url is none
 */
export function httpTeacher({ url, headers, ...options }: HttpTeacherOptions): Teacher {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new InputError("teacher.url", `found "${url}"; expected a http or https address`);
  // A query may hold a key: it is in no name and no message.
  const name = options.name ?? url.replace(/[?#].*$/, "");
  return functionTeacher({
    ...options,
    name,
    async ask({ samples, count, shape, signal }): Promise<Answers> {
      const size = samples.length / count;
      const rows = Array.from({ length: count }, (_, i) => Array.from(samples.subarray(i * size, (i + 1) * size)));
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ shape, samples: rows }),
        signal,
      }).catch((cause: Error) => {
        // fetch itself only says that it failed.
        const reason = cause.cause instanceof Error ? cause.cause.message || String(cause.cause) : cause.message;
        throw new AskError(`no connection: ${reason}`, {});
      });
      if (!response.ok) throw refusal(response.status, response.headers.get("retry-after"), await response.text());
      const text = await response.text();
      let body: unknown;
      try {
        body = JSON.parse(text);
      } catch {
        // Half an answer: the connection broke.
        throw new AskError(`the answer is not JSON: ${text.slice(0, 100)}`, {});
      }
      const outputs = (body as { outputs?: unknown } | null)?.outputs;
      if (outputs === undefined)
        throw new InputError(name, `the answer has no "outputs": ${text.slice(0, 100)}; expected { "outputs": [...] }`);
      return outputs as Answers;
    },
  });
}

function refusal(status: number, retryAfter: string | null, text: string): AskError {
  const message = `status ${status}${text ? `: ${text.slice(0, 200)}` : ""}`;
  if (!(status >= 500 || [408, 425, 429].includes(status))) return new AskError(message, null);
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return new AskError(message, Number.isFinite(seconds) ? { afterMs: 1000 * seconds } : {});
}
