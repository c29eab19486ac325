/** Teachers that know only part of the data's classes, as columns of all of them. */
import type { DataSet } from "../data/types.js";
import { InputError } from "../../base/errors.js";
import { nearestOf } from "../../engine/graph/nearest.js";
import { namesOf } from "../../base/names.js";
import { noun } from "../../base/noun.js";
import { quote } from "../../base/quote.js";
import { restricted } from "./group/merge.js";
import type { Teacher } from "./types.js";

/**
 * A teacher of some classes as one of all: its answers are probabilities at T = 1 over the classes it knows, and 0 for the
 * others, which only a group that merges (`combine: "merge"`) takes for "says nothing".
 * @param known of each of its outputs the index of that class in the data; or, of a teacher that has an output for every
 * class of the data, those whose outputs count
 * @param classes how many the data has
 * @throws InputError when known does not fit its outputs
 */
export function partialTeacher(teacher: Teacher, known: readonly number[], classes: number): Teacher {
  const whole = teacher.classes === classes;
  if (!whole && known.length !== teacher.classes)
    throw new InputError({
      code: "array-mismatch",
      where: teacher.name,
      found: `it has ${noun(teacher.classes, "output")}, and ${noun(known.length, "class")} are named for them`,
      expected: "one class per output",
    });
  const valid = known.every((c, i) => Number.isInteger(c) && c >= 0 && c < classes && known.indexOf(c) === i);
  if (!valid || known.length < 2)
    throw new InputError({
      code: "class-unknown",
      where: teacher.name,
      found: `it knows the classes ${quote(known)}`,
      expected: `at least 2 different indices below ${classes}`,
    });
  const { features: _, answerWithFeatures: __, ...plain } = teacher;
  return {
    ...plain,
    preprocessing: `${teacher.preprocessing} of the classes ${known.join(",")}`,
    kind: "probabilities",
    classes,
    knows: [...known].sort((a, b) => a - b),
    async answer(data: DataSet, indices: Uint32Array, signal?: AbortSignal): Promise<Float32Array> {
      const values = await teacher.answer(data, indices, signal);
      return spread(values, teacher, known, classes);
    },
    dispose: () => teacher.dispose(),
  };
}

/** A teacher whose outputs are these classes: in the data's order when it knows all of them, else partial. */
export function ordered(teacher: Teacher, known: readonly number[], classes: number): Teacher {
  if (known.length < classes) return partialTeacher(teacher, known, classes);
  return {
    ...teacher,
    preprocessing: `${teacher.preprocessing} in the order ${known.join(",")}`,
    async answer(data: DataSet, indices: Uint32Array, signal?: AbortSignal): Promise<Float32Array> {
      const values = await teacher.answer(data, indices, signal);
      const out = new Float32Array(values.length);
      for (let at = 0; at < values.length; at += classes)
        for (const [i, c] of known.entries()) out[at + c] = values[at + i] as number;
      return out;
    },
    dispose: () => teacher.dispose(),
  };
}

/**
 * Probabilities over the known classes, in the columns of all classes.
 * @param values [samples, outputs]
 */
export function spread(
  values: Float32Array,
  { kind, classes: outputs }: Pick<Teacher, "kind" | "classes">,
  known: readonly number[],
  classes: number,
): Float32Array {
  const columns = outputs === classes ? known : known.map((_, i) => i);
  const samples = values.length / outputs;
  const out = new Float32Array(samples * classes);
  const row = new Float64Array(outputs);
  for (let i = 0; i < samples; i++) {
    restricted(values, i, outputs, kind, columns, row);
    columns.forEach((column, j) => {
      out[i * classes + (known[j] as number)] = row[column] as number;
    });
  }
  return out;
}

/**
 * The data as a teacher of these classes sees it: samples of others have no label.
 * @param names classes of the data that it knows
 */
export function dataOfClasses(data: DataSet, names: readonly string[]): DataSet {
  const places = new Map(names.map((name, c) => [name, c]));
  const index = data.classes.map((name) => places.get(name) ?? -1);
  const labels = data.labels?.map((l) => (l < 0 ? -1 : (index[l] as number))) ?? null;
  return { ...data, classes: names, labels };
}

/**
 * Indices of the classes that a teacher names, in its order; null when it knows all of the data's.
 * @param extra whether it may know further classes, which the data has not
 * @throws InputError for a name the data does not have
 */
export function knownClasses(
  names: readonly string[] | undefined,
  data: Pick<DataSet, "classes">,
  extra = false,
): number[] | null {
  if (!names) return null;
  const named = new Set<string>();
  for (const name of names) {
    if (named.has(name))
      throw new InputError({
        code: "class-duplicate",
        where: "teacher.classes",
        found: `the class "${name}" is named twice`,
        cure: "Name each class once, in the order of the model's outputs",
      });
    named.add(name);
  }
  const places = new Map(data.classes.map((name, c) => [name, c]));
  const strange = names.find((name) => !places.has(name));
  if (strange !== undefined && !extra) {
    const near = nearestOf(strange, data.classes);
    throw new InputError({
      code: "class-unknown",
      where: "teacher.classes",
      found: `the data has no class "${strange}"`,
      expected: near ? undefined : `some of ${namesOf(data.classes)}`,
      cure: near ? `Did you mean "${near}"?` : undefined,
    });
  }
  if (data.classes.every((name) => named.has(name))) return null;
  return names.flatMap((name) => places.get(name) ?? []);
}
