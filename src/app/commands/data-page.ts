/** The data page of a recipe: the audit with samples to look at. */
import type { ImageSizes } from "../../learn/data/sources/image-sizes.js";
import { packageVersion } from "../../node/package-root.js";
import { collectExamples, pictureOf } from "../../learn/report/data-examples.js";
import { renderDataPage, type StretchedImage } from "../../learn/report/data-page.js";
import { maskText } from "../../base/secrets.js";
import type { AuditedData } from "../../run/folder/load-audited.js";
import { writeOutput } from "../../run/folder/output.js";

/**
 * Writes the page.
 * @param command what made it
 * @throws InputError when the file exists, or cannot be written
 */
export async function writeDataPage(loaded: AuditedData, file: string, command: string): Promise<void> {
  const { audit, imageSizes } = loaded;
  const html = renderDataPage({
    audit,
    examples: collectExamples(loaded, audit),
    stretched: imageSizes ? await stretchedImages(imageSizes) : [],
    limbeck: packageVersion(),
    command: maskText(command),
  });
  await writeOutput(file, html);
}

async function stretchedImages(sizes: ImageSizes): Promise<StretchedImage[]> {
  if (sizes.worst.length === 0) return [];
  const { decodeStretched } = await import("../../learn/data/sources/stretched.js");
  const bytes = { low: 0, high: 255 };
  return (await decodeStretched(sizes)).map(({ before, after, ...image }) => ({
    ...image,
    before: pictureOf(before.shape, before.pixels, bytes),
    after: pictureOf(after.shape, after.pixels, bytes),
  }));
}
