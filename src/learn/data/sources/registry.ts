/** The sources of samples that recipes can ask for. Adding one: write its file, add one line here. */
import type { z } from "zod";
import { InputError } from "../../../base/errors.js";
import { quote } from "../../../base/quote.js";
import { Registry } from "../../../base/registry.js";
import type { CommonFields, CommonSettings } from "../common-fields.js";
import { digitsSource } from "./digits.js";
import type { SourceEntry, SourceSchema } from "./entry.js";
import { idxSource } from "./idx.js";
import { imagesSource } from "./images.js";
import { npySource } from "./npy-source.js";
import { npzSource } from "./npz.js";
import { tableSource } from "./table/table.js";

const ENTRIES = [digitsSource, idxSource, tableSource, npySource, npzSource, imagesSource] as const;

export const sources = new Registry<SourceEntry>("source", ENTRIES);

type Schema = (typeof ENTRIES)[number]["schema"];
type WithCommon<Own, Common> = Own extends unknown ? Own & Common : never;
/** What a recipe says of its data, with every default filled in; fields are named as code names them. */
export type DataSettings = WithCommon<z.output<Schema>, CommonSettings>;
/** The same as it may be written: defaults may be missing. */
export type DataFields = WithCommon<z.input<Schema>, CommonFields>;

/**
 * Adds a source of samples: recipes can ask for it by its `kind`.
 * @returns takes it away again
 * @throws InputError when there is one of this kind
 */
export function registerSource<S extends SourceSchema>(entry: SourceEntry<S>): () => void {
  return sources.register(entry as unknown as SourceEntry);
}

/** The entry of a kind. @throws InputError when there is none */
export function findSource(kind: string): SourceEntry {
  const entry = sources.find(kind);
  if (entry) return entry;
  throw new InputError({
    code: "option-invalid",
    where: "data.source",
    found: `found ${quote(kind)}`,
    expected: `one of ${sources.entries.map((e) => e.kind).join(", ")}`,
  });
}
