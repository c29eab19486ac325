/** What every summary says of its run, whatever was trained in it. */
import type { Summary } from "../evaluate/summary.js";
import { packageVersion } from "../package-root.js";
import { maskSecrets, maskText } from "../secrets.js";
import type { RunContext } from "./context.js";
import { environmentOf } from "./measure.js";

export interface RunFacts {
  /** How the run was started. */
  readonly command: string;
  readonly seconds: number;
  /** Training samples whose labels the student may use; absent where that says nothing. */
  readonly labelled?: number;
}

/** The run, its data and its machine. */
export async function aboutRun(
  { recipe, loaded, execution, notes, warnings }: RunContext,
  { command, seconds, labelled }: RunFacts,
): Promise<Omit<Summary, "models" | "comparisons" | "darkKnowledge" | "files">> {
  const { data, splits } = loaded;
  return {
    limbeck: packageVersion(),
    name: recipe.name,
    description: recipe.description ?? null,
    command: maskText(command),
    durationSeconds: seconds,
    environment: await environmentOf(execution),
    recipe: maskSecrets(recipe),
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
    },
    // Every seed may find out the same.
    notes: [...new Set(notes)].map(maskText),
    warnings: [...new Set(warnings)].map(maskText),
  };
}
