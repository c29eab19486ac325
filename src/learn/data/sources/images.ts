/** Images: a folder per class, or parts with a folder per class each; decoded by sharp, which is loaded only here. */
import { z } from "zod";
import { count, file } from "../../../base/schema-fields.js";
import { type SourceSettings, sourceEntry } from "./entry.js";
import { open } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { faultOf, InputError } from "../../../base/errors.js";
import { noun } from "../../../base/noun.js";
import { checkFolder } from "./files.js";
import type { DataFinding } from "../findings.js";
import { ImageTree } from "./image-files.js";
import { findParts, type ImageFile, listImages, type PartFolder, refuseSingleClass } from "./image-folders.js";
import { formatOf, HEAD } from "./image-format.js";
import { type ImageSize, summariseSizes } from "./image-sizes.js";
import { limitedIndices, limitFinding } from "../limit.js";
import type { RawPart, RawSource, SourceContext } from "../source.js";
import { listed } from "../words.js";

const schema = z.strictObject({
  source: z
    .literal("images")
    .describe(
      "One folder per class, or train/, val/ and test/ (or other usual names) with one folder per class each; decoded by sharp",
    ),
  path: file("Folder"),
  size: z.tuple([count, count]).describe("Height and width to resize to"),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .default(3)
    .describe("1 for grey, 3 for RGB"),
  skipUnreadable: z
    .boolean()
    .default(false)
    .describe("Skip images that cannot be decoded, and list them; default: an error that lists them"),
});
type ImagesSettings = SourceSettings<typeof schema>;

export const imagesSource = sourceEntry({
  kind: "images",
  schema,
  starter: {
    lines: [
      {
        field: "path",
        value: "my-images",
        note: "CHANGE: a folder with one sub-folder per class, or with train/, val/ and test/; relative to this file",
      },
      { field: "size", value: [64, 64] },
      { field: "channels", value: 3 },
    ],
    parts: "any",
    images: true,
    student: { kind: "resnet", depth: 8 },
  },
  read: readImagesSource,
});

/** Images decoded at the same time; sharp has threads of its own. */
const AT_ONCE = 8;

async function readImagesSource(config: ImagesSettings, context: SourceContext): Promise<RawSource> {
  const root = resolve(context.folder, config.path);
  checkFolder(root, "a folder with one sub-folder per class");
  const tree = new ImageTree(root);
  const { train, validation, test, findings } = findParts(tree);
  if (config.labels === "use" && !train.title) refuseSingleClass(tree, root);
  const reader = new PartReader(tree, config);
  // All folders are listed before the first image is decoded.
  const listed = [train, validation, test].map((part) => part && reader.list(part));
  const parts: (RawPart | null)[] = [];
  for (const part of listed) parts.push(part && (await reader.decode(part)));
  reader.refuseUnreadable();
  const [height, width] = config.size;
  return {
    name: `images ${basename(root)}`,
    sampleShape: [config.channels, height, width],
    train: parts[0] as RawPart,
    validation: parts[1] ?? null,
    test: parts[2] ?? null,
    imageSizes: summariseSizes(reader.sizes, config.size),
    findings: [...findings, ...tree.findings(), ...reader.findings()],
    labelKind: "names",
    defaultNormalise: "unit",
    unit: 1 / 255,
  };
}

interface ListedPart extends PartFolder {
  readonly files: readonly ImageFile[];
  readonly labelled: boolean;
}

/** Reads the parts of one root; what cannot be decoded is collected over all of them. */
class PartReader {
  readonly sizes: ImageSize[] = [];
  readonly #unreadable: { readonly path: string; readonly reason: string }[] = [];
  readonly #animated: string[] = [];
  readonly #findings: DataFinding[] = [];
  #images = 0;

  constructor(
    private readonly tree: ImageTree,
    private readonly config: ImagesSettings,
  ) {}

  /** The images of a part, of the first part within the limit. */
  list(part: PartFolder): ListedPart {
    const first = this.#images === 0;
    const { files, labelled } = listImages(this.tree, part.folder);
    this.#images += files.length;
    const { limit, split, labels } = this.config;
    const texts = labelled && labels === "use" ? files.map((f) => f.label) : null;
    const kept = first ? limitedIndices(texts, files.length, { limit, seed: split.seed }) : null;
    if (!kept) return { ...part, files, labelled };
    this.#findings.push(limitFinding(kept.length, files.length));
    return { ...part, files: Array.from(kept, (i) => files[i] as ImageFile), labelled };
  }

  async decode({ folder, title, files, labelled }: ListedPart): Promise<RawPart> {
    const { size: wanted, channels } = this.config;
    const size = channels * wanted[0] * wanted[1];
    const samples = new Uint8Array(files.length * size);
    const sizes = new Array<ImageSize | null>(files.length).fill(null);
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let i = next++; i < files.length; i = next++) {
        const { path } = files[i] as ImageFile;
        const image = await this.#decodeOne(path);
        if (!image) continue;
        samples.set(image.pixels, i * size);
        sizes[i] = { name: this.tree.nameOf(path), path, width: image.width, height: image.height };
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, files.length) }, worker));
    const kept = sizes.flatMap((s, i) => (s ? [i] : []));
    kept.forEach((i, k) => {
      if (i !== k) samples.copyWithin(k * size, i * size, (i + 1) * size);
    });
    const read = sizes.filter((s) => s !== null);
    for (const s of read) this.sizes.push(s);
    this.#refuseLost(files, new Set(kept));
    return {
      samples: kept.length < files.length ? samples.slice(0, kept.length * size) : samples,
      labels: labelled ? kept.map((i) => (files[i] as ImageFile).label) : null,
      names: read.map((s) => s.name),
      from: folder,
      ...(title === undefined ? {} : { title }),
    };
  }

  async #decodeOne(path: string): Promise<Decoded | null> {
    try {
      const image = await decode(path, this.config);
      if (image.frames > 1) this.#animated.push(path);
      return image;
    } catch (error) {
      const fault = faultOf(error);
      if (fault?.code !== "image-unreadable") throw error;
      this.#unreadable.push({ path, reason: fault.found });
      return null;
    }
  }

  /** @throws InputError when skipping unreadable images has emptied a class */
  #refuseLost(files: readonly ImageFile[], kept: ReadonlySet<number>): void {
    if (!this.config.skipUnreadable || kept.size === files.length) return;
    const left = new Set(files.flatMap(({ label }, i) => (kept.has(i) ? [label] : [])));
    const lost = files.find(({ label }) => !left.has(label));
    if (lost)
      throw new InputError({
        code: "data-empty",
        where: lost.path,
        found: `no image of ${lost.label ? `the class "${lost.label}"` : "its folder"} can be decoded`,
        expected: "at least one that can",
        cure: "Save the images again as PNG or JPEG, or remove the folder",
      });
  }

  /** @throws InputError naming the first images that cannot be decoded, unless they are to be skipped */
  refuseUnreadable(): void {
    const found = this.#sorted();
    const [first] = found;
    if (!first || this.config.skipUnreadable) return;
    const cure = "Remove or mend them, or set data.skip_unreadable to true to leave them out";
    if (found.length === 1)
      throw new InputError({
        code: "image-unreadable",
        where: first.path,
        found: first.reason,
        expected: "an image",
        cure: cure.replaceAll("them", "it"),
      });
    throw new InputError({
      code: "image-unreadable",
      where: this.tree.root,
      found: `${found.length.toLocaleString("en-US")} of ${noun(this.#images, "image")} cannot be decoded: ${this.#named(found)}`,
      expected: "images",
      cure,
    });
  }

  #sorted(): { readonly path: string; readonly reason: string }[] {
    return this.#unreadable.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  #named(found: readonly { readonly path: string; readonly reason: string }[]): string {
    return listed(
      found.map(({ path, reason }) => `${this.tree.nameOf(path)} (${reason.replace(/^it cannot be decoded: /, "")})`),
      3,
    );
  }

  findings(): DataFinding[] {
    const findings = [...this.#findings];
    const skipped = this.#sorted();
    if (skipped.length > 0)
      findings.push({
        code: "files-unreadable",
        level: "warning",
        where: this.tree.root,
        text: `${noun(skipped.length, "image")} that cannot be decoded ${skipped.length === 1 ? "is" : "are"} left out: ${this.#named(skipped)}.`,
        cure: `Save ${skipped.length === 1 ? "it" : "them"} again as PNG or JPEG.`,
        count: skipped.length,
        examples: skipped.slice(0, 5).map(({ path }) => this.tree.nameOf(path)),
      });
    if (this.#animated.length > 0)
      findings.push({
        code: "frames-skipped",
        level: "note",
        where: this.tree.root,
        text: `${noun(this.#animated.length, "file")} ${this.#animated.length === 1 ? "has" : "have"} several frames or pages; only the first is used.`,
        count: this.#animated.length,
        examples: this.#animated
          .toSorted()
          .slice(0, 5)
          .map((path) => this.tree.nameOf(path)),
      });
    return findings;
  }
}

/**
 * One image as bytes [channels, height, width]: turned as its EXIF data says, stretched to the size (bilinear or better),
 * transparency on black.
 * @throws InputError naming the file when it cannot be decoded
 */
export async function decodeImage(path: string, form: ImageForm): Promise<Uint8Array> {
  return (await decode(path, form)).pixels;
}

/** What is made of an image. */
interface ImageForm {
  /** Height and width. */
  readonly size: readonly [number, number];
  readonly channels: 1 | 3;
}

interface Decoded extends Pick<ImageSize, "width" | "height"> {
  readonly pixels: Uint8Array;
  readonly frames: number;
}

/** An image's samples, how large it was, and how many pictures the file holds. */
async function decode(path: string, form: ImageForm): Promise<Decoded> {
  const sharp = await loadSharp();
  const [height, width] = form.size;
  await refuseOtherFormats(path);
  let decoded: Buffer;
  let channels: number;
  let original: Pick<ImageSize, "width" | "height">;
  let frames: number;
  try {
    const file = sharp(path);
    const metadata = await file.metadata();
    original = metadata.autoOrient;
    frames = metadata.pages ?? 1;
    const image = file.rotate().flatten({ background: "black" }).resize(width, height, { fit: "fill" });
    const coloured = form.channels === 1 ? image.greyscale() : image.toColourspace("srgb");
    const { data, info } = await coloured.raw().toBuffer({ resolveWithObject: true });
    decoded = data;
    channels = info.channels;
  } catch (error) {
    throw unreadable(path, (error instanceof Error ? error.message : String(error)).split("\n")[0] as string);
  }
  const pixels = height * width;
  const out = new Uint8Array(form.channels * pixels);
  for (let c = 0; c < form.channels; c++)
    for (let p = 0; p < pixels; p++) out[c * pixels + p] = decoded[p * channels + Math.min(c, channels - 1)] as number;
  return { pixels: out, width: original.width, height: original.height, frames };
}

const unreadable = (path: string, reason: string): InputError =>
  new InputError({
    code: "image-unreadable",
    where: path,
    found: `it cannot be decoded: ${reason}`,
    expected: "an image",
    cure: "Remove it, or save it again as PNG or JPEG",
  });

/** What is not an image of pixels never reaches the decoder. @throws InputError with what the file is instead */
async function refuseOtherFormats(path: string): Promise<void> {
  const head = new Uint8Array(HEAD);
  let length: number;
  try {
    const file = await open(path, "r");
    try {
      length = (await file.read(head, 0, HEAD, 0)).bytesRead;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw unreadable(path, `the file cannot be opened (${(cause as NodeJS.ErrnoException).code})`);
  }
  if (length === 0) throw unreadable(path, "the file is empty");
  const format = formatOf(head.subarray(0, length));
  if (!format?.readable) throw unreadable(path, format ? `it is ${format.name}` : "its format is not known");
}

let loading: Promise<typeof import("sharp").default> | undefined;

function loadSharp() {
  loading ??= import("sharp").then(
    (m) => m.default,
    (cause) => {
      loading = undefined;
      throw new InputError(
        {
          code: "package-missing",
          where: "data.source",
          found: "images need the package sharp, which is not installed",
          cure: 'Run "npm install sharp"',
        },
        { cause },
      );
    },
  );
  return loading;
}
