/** What limbeck's own exports say of themselves, and what that means for asking them. */

import { z } from "zod";
import { isMarked, takesRaw } from "../../engine/compile/mark.js";
import { fillsMissing, isIdentity } from "../../engine/compile/normalise.js";
import { RAW } from "../data/normalise.js";
import type { Normalisation } from "../../engine/graph/samples.js";
import type { Model } from "../../engine/graph/types.js";
import type { ClassifierOptions } from "./classifier.js";

/** Metadata key of an export without its normalisation: the one its input expects, as JSON. */
export const NORMALISATION_KEY = "normalisation";

export interface AsSaid {
  readonly options: ClassifierOptions;
  /** Sentences about what was taken from the file, or contradicts it. */
  readonly notes: readonly string[];
}

/**
 * Fills in what nobody chose (normalisation, layout, outputs, order of the classes) with what the file of a limbeck export says;
 * every other model gets the options as they are.
 */
export function asSaid(options: ClassifierOptions, model: Pick<Model, "metadata" | "graph">): AsSaid {
  const { metadata } = model;
  if (!isMarked(metadata)) return { options, notes: [] };
  const wants = takesRaw(metadata) ? RAW : expectedNormalisation(model);
  const { normalisation: chosen, notes } = normalisationOf(options, wants);
  // Gaps are filled by the model's own means, whatever else is chosen.
  const missing = takesRaw(metadata) ? undefined : expectedNormalisation(model)?.missing;
  const normalisation = missing ? { ...chosen, missing } : chosen;
  return {
    options: {
      ...options,
      normalisation,
      ...(wants ? { others: undefined } : {}),
      ...(fillsMissing(model.graph) ? { takesMissing: true } : {}),
      layout: options.layout === "auto" ? "nchw" : options.layout,
      outputs: options.outputs === "auto" ? "logits" : options.outputs,
      ownClasses: options.ownClasses ?? classNames(model) ?? undefined,
    },
    notes,
  };
}

function normalisationOf(
  { normalisation, freely }: ClassifierOptions,
  wants: Normalisation | null,
): { readonly normalisation: Normalisation; readonly notes: readonly string[] } {
  if (!wants) return { normalisation, notes: [] };
  const raw = isIdentity(wants);
  if (freely)
    return {
      normalisation: wants,
      notes: [
        `it was exported by limbeck: it gets ${raw ? "raw samples, because it contains its normalisation" : "samples normalised with the numbers in its metadata"}, and returns logits`,
      ],
    };
  const twice = raw && !isIdentity(normalisation);
  return {
    normalisation,
    notes: twice
      ? [
          "it contains its normalisation, but normalise adds another one, so samples are normalised twice. Remove normalise, or set it to none",
        ]
      : [],
  };
}

/** Class names by index from the metadata key "classes" (a JSON list); null when there are none. */
export function classNames({ metadata }: Pick<Model, "metadata">): string[] | null {
  const list = fromJson(metadata.classes);
  return Array.isArray(list) && list.length >= 2 && list.every((c) => typeof c === "string")
    ? (list as string[])
    : null;
}

/** The normalisation a raw export of limbeck expects; null when the model does not say. */
export function expectedNormalisation({ metadata }: Pick<Model, "metadata">): Normalisation | null {
  const parsed = z
    .object({
      scale: z.number(),
      mean: z.array(z.number()).min(1),
      std: z.array(z.number()).min(1),
      missing: z.array(z.number()).min(1).optional(),
    })
    .safeParse(fromJson(metadata[NORMALISATION_KEY]));
  return parsed.success ? parsed.data : null;
}

function fromJson(text: string | undefined): unknown {
  try {
    return text === undefined ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
