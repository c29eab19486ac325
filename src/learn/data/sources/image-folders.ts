/** What an image folder is: a folder per class, or parts (train, val, test) with a folder per class each. */
import { InputError } from "../../../base/errors.js";
import { noun } from "../../../base/noun.js";
import type { DataFinding } from "../findings.js";
import { type Entry, type ImageTree, READABLE } from "./image-files.js";
import { listed } from "../words.js";

type Part = "train" | "validation" | "test";

/** The field's names of parts, in lower case. */
const PART_NAMES: Readonly<Record<string, Part>> = {
  train: "train",
  training: "train",
  val: "validation",
  valid: "validation",
  validation: "validation",
  dev: "validation",
  test: "test",
  testing: "test",
};

const partOf = ({ name }: Entry): Part | undefined => PART_NAMES[name.trim().toLowerCase()];

export interface PartFolder {
  readonly folder: string;
  /** "val/", where parts were found by their names. */
  readonly title?: string;
}

export interface ImageFolders {
  readonly train: PartFolder;
  readonly validation: PartFolder | null;
  readonly test: PartFolder | null;
  readonly findings: readonly DataFinding[];
}

/**
 * Finds the parts of a root. Its folders are parts when one of them is a training part and none is a class.
 * @throws InputError when the folders can be read in two ways, or there is no training part beside the others
 */
export function findParts(tree: ImageTree): ImageFolders {
  const folders = tree.entries(tree.root).filter((e) => e.kind === "folder");
  const parts = folders.filter(partOf);
  const others = folders.filter((e) => !partOf(e));
  const alone: ImageFolders = { train: { folder: tree.root }, validation: null, test: null, findings: [] };
  if (parts.length === 0) {
    refuseInner(tree, others);
    return alone;
  }
  const classes = others.filter((e) => tree.imagesUnder(e.path).length > 0);
  if (classes.length > 0) {
    refuseInner(tree, others);
    return { ...alone, findings: [partsAsClasses(tree, parts, classes)] };
  }
  if (!parts.some((e) => partOf(e) === "train")) throw noTraining(tree, parts);
  refuseLoose(tree.root, tree.entries(tree.root), "part");
  const one = (part: Part): PartFolder | null => {
    const [first, second] = parts.filter((e) => partOf(e) === part);
    if (first && second) throw twoFolders(tree, part, first, second);
    return first ? { folder: first.path, title: `${first.name}/` } : null;
  };
  return {
    train: one("train") as PartFolder,
    validation: one("validation"),
    test: one("test"),
    findings: others.length > 0 ? [withoutImages(tree, others)] : [],
  };
}

const names = (entries: readonly Entry[]): string => listed(entries.map((e) => `${e.name}/`));

/** Parts below the class folders, or below a single folder, would be mixed without a word. */
function refuseInner(tree: ImageTree, folders: readonly Entry[]): void {
  for (const folder of folders) {
    const inner = tree.entries(folder.path).filter((e) => e.kind === "folder");
    const parts = inner.filter(partOf);
    const different = new Set(parts.map(partOf));
    if (!different.has("train") || (different.size < 2 && folders.length > 1)) continue;
    const single = folders.length === 1;
    throw new InputError({
      code: "parts-unclear",
      where: tree.root,
      found: `the parts ${names(parts)} lie in the folder ${folder.name}/`,
      expected: "folders train/, val/ and test/, each with one folder per class",
      cure: single ? `Set data.path to ${folder.path}` : "Put the parts on the outside, as in train/cat and test/cat",
    });
  }
}

const partsAsClasses = (tree: ImageTree, parts: readonly Entry[], classes: readonly Entry[]): DataFinding => ({
  code: "part-name-as-class",
  level: "warning",
  where: tree.root,
  text: `${names(parts)} ${parts.length === 1 ? "is read as a class" : "are read as classes"}, because ${names(classes)} ${classes.length === 1 ? "lies" : "lie"} beside ${parts.length === 1 ? "it" : "them"}.`,
  cure: "Move the other folders away if these are parts of the data.",
  count: parts.length,
  examples: parts.map((e) => e.name),
});

const noTraining = (tree: ImageTree, parts: readonly Entry[]): InputError =>
  new InputError({
    code: "parts-unclear",
    where: tree.root,
    found: `it holds ${names(parts)} but no training part`,
    expected: "a folder train/ beside them",
    cure: `Add train/, or set data.path to ${parts.length === 1 ? (parts[0] as Entry).path : "the folder that holds the classes"}`,
  });

const twoFolders = (tree: ImageTree, part: Part, first: Entry, second: Entry): InputError =>
  new InputError({
    code: "parts-unclear",
    where: tree.root,
    found: `${first.name}/ and ${second.name}/ could both be the ${part === "train" ? "training" : part} part`,
    expected: "one folder for each part",
    cure: "Merge them, or move one away",
  });

const withoutImages = (tree: ImageTree, folders: readonly Entry[]): DataFinding => ({
  code: "folders-without-images",
  level: "note",
  where: tree.root,
  text: `${names(folders)} beside the parts ${folders.length === 1 ? "holds" : "hold"} no image and ${folders.length === 1 ? "is" : "are"} not used.`,
  count: folders.length,
  examples: folders.map((e) => e.name),
});

export interface ImageFile {
  readonly path: string;
  /** Name of its class folder; "" without classes. */
  readonly label: string;
}

export interface ImageList {
  readonly files: readonly ImageFile[];
  readonly labelled: boolean;
}

/** The images of a part, class by class. @throws InputError when a class holds none, or images lie beside the classes */
export function listImages(tree: ImageTree, folder: string): ImageList {
  const entries = tree.entries(folder);
  refuseLoose(folder, entries, "class");
  const classes = entries.filter((e) => e.kind === "folder");
  const loose = entries.filter((e) => e.kind === "image");
  if (classes.length === 0) {
    if (loose.length === 0) throw noImage(tree, folder, "it");
    return { files: loose.map(({ path }) => ({ path, label: "" })), labelled: false };
  }
  const files = classes.flatMap(({ name, path }) => {
    const found = tree.imagesUnder(path);
    if (found.length === 0) throw noImage(tree, path, "the class folder");
    return found.map((file) => ({ path: file, label: name }));
  });
  return { files, labelled: true };
}

function noImage(tree: ImageTree, folder: string, what: string): InputError {
  const instead = tree.kindsUnder(folder);
  return new InputError({
    code: "data-empty",
    where: folder,
    found: `${what} holds no image${instead ? ` (${instead})` : ""}`,
    expected: `at least one ${READABLE} file`,
    cure: what === "it" ? "Name a folder that holds images" : "Fill it, or remove it",
  });
}

function refuseLoose(folder: string, entries: readonly Entry[], kind: "class" | "part"): void {
  const folders = entries.filter((e) => e.kind === "folder");
  const loose = entries.filter((e) => e.kind === "image");
  if (folders.length === 0 || loose.length === 0) return;
  const some = (list: readonly Entry[]): string =>
    listed(
      list.map((e) => e.name),
      2,
    );
  throw new InputError({
    code: "data-mistake",
    where: folder,
    found: `${noun(loose.length, "image")} (${some(loose)}) ${loose.length === 1 ? "lies" : "lie"} beside ${noun(folders.length, `${kind} folder`)} (${some(folders)})`,
    expected: "every image in a class folder, or no folder at all",
    cure: `Move ${loose.length === 1 ? "it" : "them"} into a class, or away`,
  });
}

/** A single folder is rather the one that holds the classes. @throws InputError when a root has one class folder */
export function refuseSingleClass(tree: ImageTree, folder: string): void {
  const [only, ...others] = tree.entries(folder).filter((e) => e.kind === "folder");
  if (!only || others.length > 0) return;
  const inner = tree.entries(only.path).filter((e) => e.kind === "folder");
  throw new InputError({
    code: "class-too-few",
    where: folder,
    found: `it holds 1 class folder (${only.name}/)`,
    expected: "at least 2 class folders",
    cure:
      inner.length > 1
        ? `Set data.path to ${only.path}`
        : "Add the other classes, or set data.labels to ignore to use the images without labels",
  });
}
