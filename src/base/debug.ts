/**
 * Lines for those who look inside. `LIMBECK_DEBUG` names scopes, separated by commas, or `*`: in Node a variable of the
 * environment, in a browser a global. Each line says its scope and the seconds since the process or page began, on stderr
 * or in the browser's console. Nothing here is Node's.
 */
import { escapeControls, quote } from "./quote.js";
import { maskText } from "./secrets.js";

/** Every scope, and what it shows. */
export const DEBUG_SCOPES = {
  compile: "every pass over a graph: nodes before and after, milliseconds",
  data: "what was read: samples, classes, parts",
  session: "every session of ONNX Runtime: bytes, milliseconds, device",
  teacher: "what teachers are asked, and what label stores hold already",
  train: "every training: steps, milliseconds a step, validations, checkpoints",
  verify: "checks the graph after every pass",
} as const;

export type DebugScope = keyof typeof DEBUG_SCOPES;

/** What this file asks of its surroundings, wherever they are. */
interface Surroundings {
  readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
  readonly LIMBECK_DEBUG?: unknown;
}

const NONE: ReadonlySet<DebugScope> = new Set();
let readFrom = "";
let scopes = NONE;

/**
 * Writes a line of a scope; null when nobody asked for the scope, so that nothing is made of the line's parts:
 * `debug("train")?.(`step ${step}`)`.
 */
export function debug(scope: DebugScope): ((text: string) => void) | null {
  const { process, LIMBECK_DEBUG } = globalThis as Surroundings;
  const given = String(process?.env?.LIMBECK_DEBUG ?? LIMBECK_DEBUG ?? "");
  // Asked often: what is written there is read when it changes.
  if (given !== readFrom) {
    readFrom = given;
    scopes = scopesIn(given);
  }
  return scopes.has(scope) ? writers[scope] : null;
}

/** The scopes that are on, as `LIMBECK_DEBUG` would name them: for a thread that shall not read the user's words again. */
export function debugScopes(): string {
  return names.filter(debug).join(",");
}

/** A duration as debug lines write it. */
export function since(started: number): string {
  return `${(performance.now() - started).toFixed(1)} ms`;
}

const names = Object.keys(DEBUG_SCOPES) as DebugScope[];
const writers = Object.fromEntries(
  names.map((scope) => [
    scope,
    (text: string) => say(`limbeck:${scope} ${(performance.now() / 1000).toFixed(3)} s  ${text}`),
  ]),
) as Readonly<Record<DebugScope, (text: string) => void>>;

/** One line, without secrets and without what a terminal obeys. */
function say(line: string): void {
  console.error(escapeControls(maskText(line)));
}

function scopesIn(given: string): ReadonlySet<DebugScope> {
  const asked = given.split(/[\s,]+/).filter((name) => name !== "");
  const isScope = (name: string): name is DebugScope => (names as string[]).includes(name);
  for (const name of asked)
    if (name !== "*" && !isScope(name))
      say(`limbeck: LIMBECK_DEBUG has no scope ${quote(name)}; it has ${names.join(", ")}, and * for all`);
  return new Set(asked.includes("*") ? names : asked.filter(isScope));
}
