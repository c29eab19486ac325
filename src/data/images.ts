/** Images: a folder per class, or train/ and test/ with a folder per class each; decoded by sharp, which is loaded only here. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join, relative, resolve, sep } from "node:path";
import { InputError } from "../errors.js";
import { noun } from "../noun.js";
import type { ImagesConfig } from "./config.js";
import { type ImageSize, summariseSizes } from "./image-sizes.js";
import type { RawPart, RawSource, SourceContext } from "./source.js";

const EXTENSIONS = /\.(jpe?g|png|webp|gif|tiff?|avif|bmp)$/i;
/** Images decoded at the same time; sharp has threads of its own. */
const AT_ONCE = 8;

export async function readImagesSource(config: ImagesConfig, context: SourceContext): Promise<RawSource> {
  const root = resolve(context.folder, config.path);
  if (!existsSync(root) || !statSync(root).isDirectory())
    throw new InputError("data.path", `no folder ${root}; give a folder with one sub-folder a class`);
  const parts = ["train", "test"].map((p) => join(root, p)).filter((p) => existsSync(p) && statSync(p).isDirectory());
  const [train, test] = parts.length === 2 ? parts : [root, null];
  const [height, width] = config.size;
  const read = (folder: string): Promise<ReadFolder> => readFolder(folder, root, config);
  const first = await read(train as string);
  const second = test ? await read(test) : null;
  return {
    name: `images ${basename(root)}`,
    sampleShape: [config.channels, height, width],
    train: first.part,
    test: second?.part ?? null,
    imageSizes: summariseSizes([...first.sizes, ...(second?.sizes ?? [])], config.size),
    defaultNormalise: "unit",
    unit: 1 / 255,
  };
}

/** Visible entries in an order that is the same everywhere. */
const entries = (folder: string) =>
  readdirSync(folder, { withFileTypes: true })
    .filter((e) => !e.name.startsWith("."))
    .sort((a, b) => (a.name < b.name ? -1 : 1));

function imagesUnder(folder: string): string[] {
  return entries(folder).flatMap((e) => {
    const path = join(folder, e.name);
    if (e.isDirectory()) return imagesUnder(path);
    return EXTENSIONS.test(e.name) ? [path] : [];
  });
}

interface ReadFolder {
  readonly part: RawPart;
  readonly sizes: readonly ImageSize[];
}

/** @param root names of images start here */
async function readFolder(folder: string, root: string, config: ImagesConfig): Promise<ReadFolder> {
  const classes = entries(folder).filter((e) => e.isDirectory());
  const loose = entries(folder).filter((e) => e.isFile() && EXTENSIONS.test(e.name));
  if (classes.length > 0 && loose.length > 0)
    throw new InputError(
      folder,
      `${noun(loose.length, "image")} (${loose[0]?.name}${loose.length > 1 ? ", ..." : ""}) beside ${noun(classes.length, "class folder")}; move ${loose.length === 1 ? "it" : "them"} into a class, or away`,
    );
  const files =
    classes.length > 0
      ? classes.flatMap((c) => {
          const found = imagesUnder(join(folder, c.name));
          if (found.length === 0)
            throw new InputError(join(folder, c.name), "the class folder holds no image; fill it, or remove it");
          return found.map((path) => ({ path, label: c.name }));
        })
      : loose.map((e) => ({ path: join(folder, e.name), label: "" }));
  if (files.length === 0) throw new InputError(folder, "it holds no image (.jpg, .png, .webp, .gif, .tiff, .avif)");
  const [height, width] = config.size;
  const size = config.channels * height * width;
  const samples = new Uint8Array(files.length * size);
  const sizes = new Array<ImageSize>(files.length);
  const names = files.map(({ path }) => relative(root, path).split(sep).join("/"));
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < files.length; i = next++) {
      const { path } = files[i] as { path: string };
      const { pixels, width, height } = await decode(path, config);
      samples.set(pixels, i * size);
      sizes[i] = { name: names[i] as string, path, width, height };
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, files.length) }, worker));
  const labels = classes.length > 0 ? files.map((f) => f.label) : null;
  return { part: { samples, labels, names }, sizes };
}

/**
 * One image as bytes [channels, height, width]: turned as its EXIF data says, stretched to the size (bilinear or better),
 * transparency on black.
 * @throws InputError naming the file when it cannot be decoded
 */
export async function decodeImage(path: string, config: Pick<ImagesConfig, "size" | "channels">): Promise<Uint8Array> {
  return (await decode(path, config)).pixels;
}

/** An image's samples, and how large it was. */
async function decode(
  path: string,
  config: Pick<ImagesConfig, "size" | "channels">,
): Promise<Pick<ImageSize, "width" | "height"> & { pixels: Uint8Array }> {
  const sharp = await loadSharp();
  const [height, width] = config.size;
  let decoded: Buffer;
  let channels: number;
  let original: Pick<ImageSize, "width" | "height">;
  try {
    const file = sharp(path);
    original = (await file.metadata()).autoOrient;
    const image = file.rotate().flatten({ background: "black" }).resize(width, height, { fit: "fill" });
    const coloured = config.channels === 1 ? image.greyscale() : image.toColourspace("srgb");
    const { data, info } = await coloured.raw().toBuffer({ resolveWithObject: true });
    decoded = data;
    channels = info.channels;
  } catch (error) {
    const text = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new InputError(path, `cannot be decoded (${text}); remove it or save it again as PNG or JPEG`);
  }
  const pixels = height * width;
  const out = new Uint8Array(config.channels * pixels);
  for (let c = 0; c < config.channels; c++)
    for (let p = 0; p < pixels; p++) out[c * pixels + p] = decoded[p * channels + Math.min(c, channels - 1)] as number;
  return { pixels: out, width: original.width, height: original.height };
}

let loading: Promise<typeof import("sharp").default> | undefined;

function loadSharp() {
  loading ??= import("sharp").then(
    (m) => m.default,
    () => {
      loading = undefined;
      throw new InputError(
        "data.source",
        'images need the package sharp, which is not installed; run "npm install sharp"',
      );
    },
  );
  return loading;
}
