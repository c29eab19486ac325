/** A recipe's endpoint, ready to be asked: its secrets come from the environment, and its waits are told of. */
import type { TeacherOf } from "./teacher-entry.js";
import type { LoadedData } from "../../learn/data/types.js";
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import { ADDRESS_REFERENCE, HEADER_REFERENCE, rememberSecret } from "../../base/secrets.js";
import { endpointName } from "../../learn/teacher/endpoint/endpoint-address.js";
import { httpTeacher } from "../../learn/teacher/endpoint/http.js";
import type { Teacher } from "../../learn/teacher/types.js";
import type { RunContext } from "../folder/context.js";

/**
 * @param classes how many it answers for
 * @throws InputError when its address or headers cannot be used, or the environment lacks a variable
 */
export function openEndpoint(
  context: Pick<RunContext, "loaded" | "emit">,
  teacher: TeacherOf<"endpoint">,
  classes: number,
): Teacher {
  const { answers, version, batch, retries } = teacher;
  const url = fromEnvironment(teacher.url, ADDRESS_REFERENCE, "teacher.url", escapedFor);
  const headers = Object.fromEntries(
    Object.entries(teacher.headers).map(([name, value]) => [
      name,
      fromEnvironment(value, HEADER_REFERENCE, `teacher.headers.${name}`),
    ]),
  );
  const asked = httpTeacher({
    ...{ url, headers, answers, version, batch, retries, classes },
    name: endpointName(teacher.url),
    callsPerSecond: teacher.callsPerSecond,
    timeoutSeconds: teacher.timeoutSeconds,
    maxWaitSeconds: teacher.maxWaitSeconds,
    onWait: (seconds, reason) => {
      const text = `${endpointName(teacher.url)}: waiting ${noun(Math.round(seconds), "second")} (${reason})`;
      context.emit({ kind: "info", text });
    },
  });
  distinguish(context.loaded, asked, JSON.stringify([url, headers]));
  return asked;
}

/** A text with its references replaced. @throws InputError for a variable that is not set */
function fromEnvironment(
  text: string,
  reference: RegExp,
  where: string,
  written: typeof escapedFor = (value) => value,
): string {
  return text.replace(reference, (found: string, name: string, at: number) => {
    const value = process.env[name];
    if (value !== undefined) {
      rememberSecret(value, `${name} ${where}`);
      return written(value, text.slice(0, at), text.slice(at + found.length));
    }
    throw new InputError({
      code: "environment-missing",
      where,
      found: `the environment has no variable ${name}`,
      cure: "Set it before the run",
    });
  });
}

/** What stands for a key in a query, a user or a password may hold any character; elsewhere it may be a piece of the address. */
function escapedFor(value: string, before: string, after: string): string {
  const user = /^[a-z]+:\/\/[^/?#]*$/i.test(before) && /^[^/?#]*@/.test(after);
  return user || before.includes("?") ? encodeURIComponent(value) : value;
}

/** What was asked for in a run, by the name its answers are kept under. */
const asked = new WeakMap<LoadedData, Map<string, string>>();

/** Two endpoints that differ only in what is not written down would share their answers. */
function distinguish(loaded: LoadedData, { hash, preprocessing, name }: Teacher, whole: string): void {
  const known = asked.get(loaded) ?? new Map<string, string>();
  asked.set(loaded, known);
  const identity = `${hash} ${preprocessing}`;
  if ((known.get(identity) ?? whole) !== whole)
    throw new InputError({
      code: "option-conflict",
      where: "teacher.version",
      found: `two teachers of this run ask ${name} and differ only in headers or query, which are not written down`,
      expected: "a version of its own for each of them, since their answers are kept by address and version",
    });
  known.set(identity, whole);
}
