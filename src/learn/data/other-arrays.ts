/** Further arrays of a data set's records: joined over the parts, checked, and part of what the data is known by. Nothing here is Node's. */
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import { quote } from "../../base/quote.js";
import type { SampleArray } from "../../engine/graph/samples.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import { countOf, joinParts } from "./made.js";
import { type SampleSource, samplePieces } from "./read.js";
import type { RawArray, RawPart } from "./source.js";
import type { NamedSamples } from "./types.js";

/** The parts of a source, the training part first. */
interface Parts {
  readonly name: string;
  readonly parts: readonly RawPart[];
  readonly roles?: readonly string[];
}

/**
 * The further arrays of all parts, one after the other.
 * @throws InputError when one has another number of records, or another shape in one of the parts
 */
export function joinOthers(source: Parts, counts: readonly number[]): NamedSamples[] {
  const [first] = source.parts as [RawPart];
  return (first.others ?? []).map(({ name, sampleShape }) => {
    const arrays = source.parts.map((part, i) => {
      const array = part.others?.find((a) => a.name === name);
      const where = array?.from ?? part.from ?? source.name;
      if (!array)
        throw new InputError({
          code: "array-missing",
          where,
          found: `the array ${quote(name)} of the training part is missing in the ${source.roles?.[i] ?? "training"} part`,
          expected: "the same arrays in every part",
          cure: "Give it for every part (data.test_inputs)",
        });
      checkOther(array, sampleShape, counts[i] as number, where);
      return { ...array, labels: null };
    });
    const { samples, made } = joinParts(arrays, sizeOf(sampleShape));
    return { name, sampleShape, samples, ...(made ? { fill: made.fill } : {}) };
  });
}

function checkOther(array: RawArray, shape: readonly number[], wanted: number, where: string): void {
  const count = countOf({ ...array, labels: null }, sizeOf(array.sampleShape));
  if (array.sampleShape.join() !== shape.join())
    throw new InputError({
      code: "array-mismatch",
      where,
      found: `the records of ${quote(array.name)} are [${array.sampleShape}] there, and [${shape}] in the training part`,
      expected: "records of one shape in all parts",
      cure: "Save all parts with the same shape",
    });
  if (count !== wanted)
    throw new InputError({
      code: "array-mismatch",
      where,
      found: `the array ${quote(array.name)} has ${noun(count, "record")}, the others have ${wanted}`,
      expected: "as many records in each array",
      cure: "Check that the arrays belong together",
    });
}

/** The pieces that a hash is taken of: those of the main array, then each further array with its name. */
export function* withOthers(
  pieces: Iterable<SampleArray>,
  others: readonly NamedSamples[],
  count: number,
): Generator<SampleArray> {
  yield* pieces;
  for (const array of others) {
    yield new TextEncoder().encode(`${array.name} ${array.sampleShape}`);
    if (array.fill) yield* piecesOf(array, count);
    else yield array.samples;
  }
}

/** All samples, piece by piece. */
export function* piecesOf(stream: SampleSource, count: number): Generator<SampleArray> {
  const all = Uint32Array.from({ length: count }, (_, i) => i);
  for (const { samples } of samplePieces(stream, all)) yield samples;
}
