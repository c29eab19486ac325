/** One POST to an endpoint: which redirects are followed, how much of an answer is read, how long it wants to be left alone. */
import { debug, since } from "../../../base/debug.js";
import { InputError } from "../../../base/errors.js";
import { maskText, maskUrl } from "../../../base/secrets.js";
import type { Endpoint } from "./endpoint-address.js";
import { AskError } from "./retry.js";

/** Redirects that are followed in a row. */
const MOST_REDIRECTS = 5;
/** Bytes of a refusal that are read. */
const REFUSAL_BYTES = 4096;
/** Characters of an answer that messages show. */
const SHOWN = 80;

/**
 * @param name of the teacher, for messages
 * @param most bytes of an answer that are read
 * @returns the text of the answer
 * @throws AskError when another try may help or the endpoint refuses; InputError when its answer is of no use
 */
export async function post(
  name: string,
  { url, headers }: Endpoint,
  body: string,
  most: number,
  signal: AbortSignal,
): Promise<string> {
  let at = url;
  for (let redirects = 0; ; redirects++) {
    const started = performance.now();
    const response = await send(at, { method: "POST", headers, body, signal, redirect: "manual" });
    debug("teacher")?.(
      `POST ${maskUrl(at.href)} with ${body.length} characters: ${response.status} in ${since(started)}`,
    );
    if (!REDIRECTS.has(response.status)) return read(name, response, most);
    await discard(response);
    at = redirected(name, at, response, redirects);
  }
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

function send(url: URL, request: RequestInit): Promise<Response> {
  return fetch(url, request).catch((error: Error) => {
    // fetch itself only says that it failed.
    const { cause } = error;
    const reason = cause instanceof Error ? cause.message || String(cause) : error.message;
    throw new AskError(`no connection: ${maskText(reason)}`, {});
  });
}

/** Samples and headers go to nobody but the endpoint that was named. */
function redirected(name: string, from: URL, { status, headers }: Response, before: number): URL {
  const location = headers.get("location");
  const refuse = (found: string, cure?: string): InputError =>
    new InputError({
      code: "endpoint-redirect",
      where: name,
      found: `status ${status} ${found}`,
      expected: `an answer, or status 307 or 308 with an address of ${from.origin}`,
      cure,
    });
  if (location === null || !URL.canParse(location, from.href)) throw refuse("names no address to go to");
  const to = new URL(location, from.href);
  to.username = "";
  to.password = "";
  if (to.origin !== from.origin)
    throw refuse(
      `redirects to another origin, ${to.href}; neither samples nor headers were sent there`,
      "Give that address as teacher.url if it is to get them",
    );
  if (status !== 307 && status !== 308)
    throw refuse(
      `redirects to ${to.href} with a GET request, which would not carry the samples`,
      "Give that address as teacher.url",
    );
  if (before >= MOST_REDIRECTS) throw refuse(`redirects for the ${before + 1}th time in a row`);
  return to;
}

async function read(name: string, response: Response, most: number): Promise<string> {
  if (!response.ok) {
    const { text } = await textOf(response, REFUSAL_BYTES);
    throw refusal(response, text);
  }
  const { text, whole } = await textOf(response, most, Number(response.headers.get("content-length") ?? 0));
  if (!whole)
    throw new InputError({
      code: "endpoint-answer",
      where: name,
      found: `the answer is longer than ${most.toLocaleString("en-US")} bytes${text && `: ${shown(text)}`}`,
      expected: "an answer of the size that these samples and classes need",
      cure: "Check that teacher.answers and the number of classes are what the endpoint gives",
    });
  return text;
}

/** What may be tried again, and after how long. */
function refusal({ status, headers }: Response, text: string): AskError {
  const message = `status ${status}${text.trim() ? `: ${shown(text, 200)}` : ""}`;
  if (!(status >= 500 || [408, 425, 429].includes(status))) return new AskError(message, null);
  const afterMs = retryAfter(headers.get("retry-after"));
  return new AskError(message, afterMs === undefined ? {} : { afterMs });
}

/**
 * Milliseconds that a Retry-After header asks for: seconds, or a date. Below 0 for dates that are past; undefined: nothing.
 * @param now as Date.now() says it
 */
export function retryAfter(header: string | null, now = Date.now()): number | undefined {
  const text = header?.trim() ?? "";
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return 1000 * Number(text);
  // Anything that JavaScript takes for a date would be too much: "5 seconds" is May 2001.
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  const date = Date.parse(/GMT|UTC|[+-]\d{4}$/.test(text) ? text : `${text} GMT`);
  return Number.isNaN(date) ? undefined : date - now;
}

/** The beginning of an answer, without secrets, in one line. */
export function shown(text: string, most = SHOWN): string {
  // Masked before it is cut: half a secret would not be found.
  const line = maskText(text).replace(/\s+/g, " ").trim();
  return line.length > most ? `${line.slice(0, most)}...` : line;
}

/** The text of a response as far as `most` bytes go; what is longer is not waited for. */
async function textOf(response: Response, most: number, announced = 0): Promise<{ text: string; whole: boolean }> {
  if (announced > most) {
    await discard(response);
    return { text: "", whole: false };
  }
  const reader = response.body?.getReader();
  if (!reader) return { text: "", whole: true };
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { text: parts.join("") + decoder.decode(), whole: true };
      length += value.byteLength;
      parts.push(decoder.decode(value, { stream: true }));
      if (length > most) {
        await reader.cancel().catch(() => {});
        return { text: parts.join(""), whole: false };
      }
    }
  } catch (error) {
    // The connection broke in the middle.
    throw new AskError(`the answer broke off: ${maskText((error as Error).message)}`, {});
  }
}

const discard = (response: Response): Promise<void> => response.body?.cancel().catch(() => {}) ?? Promise.resolve();
