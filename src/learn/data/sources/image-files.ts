/** The files of an image folder: links are followed, and whatever is no image is counted by its kind. */
import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, extname, join, relative, sep } from "node:path";
import { InputError } from "../../../base/errors.js";
import { noun } from "../../../base/noun.js";
import type { DataFinding } from "../findings.js";
import { listed } from "../words.js";

const IMAGES = /\.(jpe?g|jpe|jfif|jif|pjpe?g|pjp|png|apng|webp|gif|tiff?|avif)$/i;
/** Files of pixels that are not read here: to leave them out is hardly what was meant. */
const OTHER_IMAGES =
  /\.(hei[cf]s?|hif|bmp|dib|svgz?|ico|psd|tga|jp2|j2k|jpx|jxl|p[bgpn]m|exr|hdr|dcm|raw|cr[23]|nef|arw|dng|orf|raf|rw2|eps|npy)$/i;
/** What file managers leave behind; and all that begins with a dot. */
const HIDDEN = /^(\.|__MACOSX$|@eaDir$|thumbs\.db$|desktop\.ini$|\$recycle\.bin$|system volume information$)/i;

/** What messages name as readable. */
export const READABLE = ".jpg, .jfif, .png, .webp, .gif, .tiff or .avif";

export interface Entry {
  readonly name: string;
  readonly path: string;
  readonly kind: "folder" | "image" | "other";
}

/** Why a file was passed over. */
type Reason = "extension" | "link" | "special" | "repeated";

const REASONS: Readonly<Record<Exclude<Reason, "extension">, string>> = {
  link: "",
  special: " or other special file",
  repeated: " to a folder that is read already",
};

/** Walks one root and remembers what it passed over. Each folder is read once. */
export class ImageTree {
  readonly #folders = new Map<string, readonly Entry[]>();
  readonly #images = new Map<string, readonly string[]>();
  readonly #skipped: { readonly path: string; readonly label: string; readonly reason: Reason }[] = [];
  #hidden = 0;

  constructor(readonly root: string) {}

  /** What messages call a path. */
  nameOf(path: string): string {
    return relative(this.root, path).split(sep).join("/") || basename(path);
  }

  /** Visible entries in an order that is the same everywhere. */
  entries(folder: string): readonly Entry[] {
    const known = this.#folders.get(folder);
    if (known) return known;
    const found: Entry[] = [];
    for (const entry of read(folder).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      if (HIDDEN.test(entry.name)) {
        this.#hidden++;
        continue;
      }
      const kind = this.#kindOf(entry, path);
      if (kind) found.push({ name: entry.name, path, kind });
    }
    this.#folders.set(folder, found);
    return found;
  }

  /** All images below a folder. A folder that a link leads to a second time is passed over, so that no circle is endless. */
  imagesUnder(folder: string): readonly string[] {
    const known = this.#images.get(folder);
    if (known) return known;
    const seen = new Set(ancestorsOf(folder, this.root));
    const walk = (at: string): string[] => {
      const real = realpathSync(at);
      if (seen.has(real)) {
        this.#skipped.push({ path: at, label: "link", reason: "repeated" });
        return [];
      }
      seen.add(real);
      return this.entries(at).flatMap(({ path, kind }) => {
        if (kind === "folder") return walk(path);
        return kind === "image" ? [path] : [];
      });
    };
    const found = walk(folder);
    this.#images.set(folder, found);
    return found;
  }

  /** Of a folder without images: what it holds instead, "80 .heic". */
  kindsUnder(folder: string): string {
    const inside = this.#skipped.filter(({ path }) => path.startsWith(folder + sep));
    return kindsOf(inside);
  }

  findings(): DataFinding[] {
    const findings: DataFinding[] = [];
    if (this.#skipped.length > 0) findings.push(this.#skippedFinding());
    if (this.#hidden > 0)
      findings.push({
        code: "files-hidden",
        level: "note",
        quiet: true,
        where: this.root,
        text: `${noun(this.#hidden, "hidden file")} (names with a dot in front, files of file managers) ${this.#hidden === 1 ? "was" : "were"} skipped.`,
        count: this.#hidden,
      });
    return findings;
  }

  #skippedFinding(): DataFinding {
    const suspect = this.#skipped.some(
      ({ path, reason }) => reason !== "extension" || OTHER_IMAGES.test(path) || extname(path) === "",
    );
    const one = this.#skipped.length === 1;
    return {
      code: "files-skipped",
      level: suspect ? "warning" : "note",
      where: this.root,
      text: `${noun(this.#skipped.length, "file")} ${one ? "is" : "are"} not read: ${kindsOf(this.#skipped)}.`,
      ...(suspect ? { cure: `Save images as ${READABLE}, mend links, or move away what is not meant.` } : {}),
      count: this.#skipped.length,
      examples: this.#skipped.slice(0, 5).map(({ path }) => this.nameOf(path)),
    };
  }

  #kindOf(entry: Dirent, path: string): Entry["kind"] | null {
    const pass = (label: string, reason: Reason): null => {
      this.#skipped.push({ path, label, reason });
      return null;
    };
    let stats: Pick<Stats, "isFile" | "isDirectory"> = entry;
    if (!entry.isFile() && !entry.isDirectory()) {
      const target = targetOf(path);
      if (!target) return pass("broken link", "link");
      stats = target;
    }
    if (stats.isDirectory()) return "folder";
    if (!stats.isFile()) return pass("pipe", "special");
    if (IMAGES.test(entry.name)) return "image";
    this.#skipped.push({ path, label: extname(entry.name).toLowerCase() || "without extension", reason: "extension" });
    return "other";
  }
}

/** What a link leads to; null where it leads nowhere, or in a circle. */
function targetOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/** "60 .heic, 20 .txt, 1 broken link (cat/x.png)". */
function kindsOf(
  skipped: readonly { readonly path: string; readonly label: string; readonly reason: Reason }[],
): string {
  const counts = new Map<string, { count: number; first: string; reason: Reason }>();
  for (const { path, label, reason } of skipped) {
    const known = counts.get(label);
    if (known) known.count++;
    else counts.set(label, { count: 1, first: path, reason });
  }
  const ranked = [...counts].sort(([, a], [, b]) => b.count - a.count);
  return listed(
    ranked.map(([label, { count, first, reason }]) =>
      reason === "extension"
        ? `${count.toLocaleString("en-US")} ${label}`
        : `${noun(count, label)}${REASONS[reason]} (${basename(first)}${count > 1 ? ", ..." : ""})`,
    ),
    8,
  );
}

function read(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    throw new InputError(
      {
        code: "file-unreadable",
        where: folder,
        found: `the folder cannot be read (${(cause as NodeJS.ErrnoException).code})`,
        cure: "Check its permissions",
      },
      { cause },
    );
  }
}

/** The real paths of all folders above: of those up to the root, and of those that the root lies in. */
function ancestorsOf(folder: string, root: string): string[] {
  const names = relative(root, folder).split(sep);
  const found = names.map((_, depth) => realpathSync(join(root, ...names.slice(0, depth))));
  for (let at = realpathSync(root); dirname(at) !== at; at = dirname(at)) found.push(dirname(at));
  return found;
}
