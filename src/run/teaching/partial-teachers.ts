/** What a teacher of part of the classes sees of a run's data, and what of its answers counts. */
import type { DataSet } from "../../learn/data/types.js";
import { InputError } from "../../base/errors.js";
import { spread } from "../../learn/teacher/partial.js";
import { LabelStore } from "../../learn/teacher/store/store.js";
import { labelsOf, type RunContext } from "../folder/context.js";

export const namesOf = (known: readonly number[], { classes }: DataSet): string[] =>
  known.map((c) => classes[c] as string);

/** Samples of these classes. @throws InputError when there is none */
export function samplesOfClasses({ loaded }: RunContext, samples: Uint32Array, known: readonly number[]): Uint32Array {
  const labels = labelsOf(loaded, samples);
  const own = samples.filter((_, i) => known.includes(labels[i] as number));
  if (own.length === 0)
    throw new InputError({
      code: "labels-missing",
      where: "teacher.group.classes",
      found: `no training sample is of the ${known.length === 1 ? "class" : "classes"} ${namesOf(known, loaded.data).join(", ")}`,
      cure: "Add labelled samples of these classes, or change the classes of this teacher",
    });
  return own;
}

/** Samples to look at before a teacher is used: of classes that it knows, where labels say so. */
export function probeOf({ loaded }: RunContext, seen: DataSet): Uint32Array {
  const { splits } = loaded;
  const probe = splits.validation.length >= 50 ? splits.validation : splits.train;
  const { labels } = seen;
  const own = labels && seen !== loaded.data ? probe.filter((i) => (labels[i] as number) >= 0) : probe;
  return own.length > 0 ? own : probe;
}

/** A label store's answers over some classes alone: probabilities at T = 1. */
export function storeOfClasses(store: LabelStore, known: readonly number[]): LabelStore {
  const { folder, header, outputs } = store;
  const classes = header.classes.length;
  const { features: _, ...plain } = header;
  return new LabelStore(
    folder,
    { ...plain, kind: "probabilities", preprocessing: `${header.preprocessing} of the classes ${known.join(",")}` },
    spread(outputs, { kind: header.kind, classes }, known, classes),
  );
}
