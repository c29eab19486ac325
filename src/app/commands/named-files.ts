/** Samples for a model with several inputs: .npz archives whose arrays are named after the inputs. */
import { extname } from "node:path";
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import { quote } from "../../base/quote.js";
import type { ValueInfo } from "../../engine/graph/types.js";
import { fromSource } from "../../learn/data/dataset.js";
import { isMaskName } from "../../learn/data/ports.js";
import { checkFile } from "../../learn/data/sources/files.js";
import { samplesOf, sourceOfParts } from "../../learn/data/sources/npy-parts.js";
import type { DataSet } from "../../learn/data/types.js";
import { archiveOf } from "./sample-files.js";

/**
 * The arrays of an archive that a model's inputs read; other arrays are left.
 * @param model its file, for messages
 * @throws InputError when the file is no archive, or has none of the arrays
 */
export function readNamedSamples(file: string, inputs: readonly ValueInfo[], model: string): DataSet {
  checkFile(file, "an .npz archive");
  const names = inputs.map((i) => i.name);
  const needed = `an .npz archive with the arrays ${names.join(", ")}`;
  if (extname(file).toLowerCase() !== ".npz")
    throw new InputError({
      code: "file-type",
      where: file,
      found: `${model} has ${noun(names.length, "input")}, and one array is not enough`,
      expected: needed,
      cure: `Write it with numpy.savez("samples.npz", ${names.map((n) => `${n}=${n}`).join(", ")})`,
    });
  const entries = archiveOf(file);
  const arrays = names.flatMap((name) => {
    const bytes = entries.get(name);
    return bytes ? [{ name, array: samplesOf({ name: `${file}: ${name}`, bytes }) }] : [];
  });
  const [main, ...others] = arrays;
  // Which token is padding no file says: other arrays that conventions know are made, or refused with the model.
  if (!main || names.some((name) => isMaskName(name) && !entries.has(name)))
    throw new InputError({
      code: "array-missing",
      where: file,
      found: `its arrays are ${[...entries.keys()].slice(0, 12).map(quote).join(", ")}`,
      expected: needed,
      cure: "Name the arrays after the model's inputs",
    });
  const train = { samples: main.array, others, labels: null };
  const source = sourceOfParts(file, { input: main.name, train, validation: null, test: null, findings: [] });
  return fromSource(source, { labels: "ignore", seed: 0 }).data;
}
