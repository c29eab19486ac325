/** What rules know of the data. */
import { labelsOf } from "../../../learn/data/labels/labels.js";
import type { DataSet, LoadedData } from "../../../learn/data/types.js";

/** A part of the data: its samples, and those of them with a label. */
export interface PartFacts {
  readonly samples: number;
  readonly labelled: number;
}

export interface DataFacts extends Pick<DataSet, "name" | "classes" | "labels" | "samples" | "sampleShape"> {
  readonly validation: PartFacts;
  readonly test: PartFacts;
}

/** @param tested the samples that models are evaluated on; default: the test part */
export function factsOf(loaded: LoadedData, tested: Uint32Array = loaded.splits.test): DataFacts {
  const { name, classes, labels, samples, sampleShape } = loaded.data;
  const part = (indices: Uint32Array): PartFacts => ({
    samples: indices.length,
    get labelled() {
      return labelsOf(loaded, indices).filter((label) => label >= 0).length;
    },
  });
  return {
    name,
    classes,
    labels,
    samples,
    sampleShape,
    validation: part(loaded.splits.validation),
    test: part(tested),
  };
}
