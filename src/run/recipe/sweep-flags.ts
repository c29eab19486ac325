/** The sweep as it is typed: --grid and --random into the recipe's `sweep` section, and values back into --set. */
import { InputError } from "../../base/errors.js";
import { quote } from "../../base/quote.js";
import { MASK } from "../../base/secrets.js";
import { mayHoldSecret, shownPair, typedValue } from "./load.js";
import { yamlValue } from "./yaml-value.js";

export interface SweepFlags {
  /** `path=value,value,...`; values are YAML. */
  readonly grid: readonly string[];
  /** `path=low..high`, `path=log:low..high`, or a list. */
  readonly random: readonly string[];
  readonly draws?: number;
  readonly halving?: number;
}

/**
 * A recipe as written with flags put into its `sweep` section: a field named by a flag takes the place of the same field there.
 * @param folder the recipe's own, for values that are files
 * @throws InputError naming the flag
 */
export function withSweepFlags(
  value: Readonly<Record<string, unknown>>,
  flags: SweepFlags,
  folder: string,
): Record<string, unknown> {
  const written = mapping(value.sweep);
  const [grid, random] = [{ ...mapping(written.grid) }, { ...mapping(written.random) }];
  for (const text of flags.grid) {
    const [path, values] = split("--grid", text);
    delete random[path];
    grid[path] = listOf("--grid", path, values).map((v) => typedValue(value, path, v, folder));
  }
  for (const text of flags.random) {
    const [path, values] = split("--random", text);
    delete grid[path];
    random[path] = values.includes("..") ? values : listOf("--random", path, values);
  }
  const { draws, halving } = flags;
  const own = { ...(draws === undefined ? {} : { draws }), ...(halving === undefined ? {} : { halving }) };
  return { ...value, sweep: { ...written, grid, random, ...own } };
}

/** A field and its value as --set takes them: "objective.alpha=0.5". */
export function overrideOf(path: string, value: unknown): string {
  return `${path}=${typeof value === "string" && yamlValue(value)?.value === value ? value : JSON.stringify(value)}`;
}

function mapping(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function split(flag: string, text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1)
    throw new InputError({
      code: "flag-invalid",
      where: flag,
      found: `found ${shownPair(text)}`,
      expected: "path=values, such as objective.alpha=0.5,0.9",
    });
  return [text.slice(0, at), text.slice(at + 1)];
}

function listOf(flag: string, path: string, values: string): unknown[] {
  const list = yamlValue(`[${values}]`)?.value;
  if (!Array.isArray(list) || list.length === 0)
    throw new InputError({
      code: "flag-invalid",
      where: `${flag} ${path}`,
      found: `the values ${mayHoldSecret(`${path}=${values}`) ? MASK : quote(values)} are not a list`,
      cure: "Separate them by commas",
    });
  return list;
}
