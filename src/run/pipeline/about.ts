/** What every summary says of its run, whatever was trained in it. */
import { mostOf } from "../../learn/evaluate/chance.js";
import type { Summary } from "../../learn/evaluate/summary.js";
import { packageVersion } from "../../node/package-root.js";
import { maskSecrets, maskText } from "../../base/secrets.js";
import { recipeOf } from "../recipe/load.js";
import type { RunContext } from "../folder/context.js";
import { testLabels } from "./judge.js";
import { environmentOf } from "../measure/measure.js";

export interface RunFacts {
  /** How the run was started. */
  readonly command: string;
  readonly seconds: number;
  /** Training samples whose labels the student may use; absent where that says nothing. */
  readonly labelled?: number;
}

/** The run, its data and its machine. */
export async function aboutRun(
  { plan, loaded, execution, notes, warnings }: RunContext,
  { command, seconds, labelled }: RunFacts,
): Promise<Omit<Summary, "models" | "comparisons" | "darkKnowledge" | "files">> {
  const { data, splits } = loaded;
  const labels = testLabels(loaded);
  return {
    limbeck: packageVersion(),
    name: plan.name,
    description: plan.description ?? null,
    command: maskText(command),
    durationSeconds: seconds,
    environment: await environmentOf(execution),
    recipe: maskSecrets(recipeOf(plan)),
    data: {
      name: data.name,
      origin: data.origin ?? null,
      hash: data.hash,
      sampleShape: data.sampleShape,
      classes: data.classes,
      counts: {
        train: splits.train.length,
        ...(labelled === undefined ? {} : { labelled }),
        validation: splits.validation.length,
        test: splits.test.length,
      },
      audit: loaded.audit,
      largestClass: labels && largestOf(labels, data.classes),
    },
    // Every seed may find out the same.
    notes: [...new Set(notes)].map(maskText),
    warnings: [...new Set(warnings)].map(maskText),
  };
}

function largestOf(labels: Int32Array, classes: readonly string[]): Summary["data"]["largestClass"] {
  const counts = new Uint32Array(classes.length);
  for (const label of labels) counts[label] = (counts[label] as number) + 1;
  const most = mostOf(counts);
  return { class: classes[most] ?? String(most), share: (counts[most] as number) / labels.length };
}
