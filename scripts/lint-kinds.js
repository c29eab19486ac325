// Refuses code outside of a registry's room that asks for one entry by its name: what shared code may ask, the entry says itself.
import { lineOf } from "./lint-text.js";

/**
 * The registries: where the names of their entries are written, and the rooms that may compare with them.
 * `about` says which compared values are meant, where a name is also a common word; `like` is how names look that are written
 * nowhere.
 */
const REGISTRIES = [
  {
    what: "loss",
    from: /^engine\/objective\/(losses\/.*|registry)\.ts$/,
    name: /^ {2}(?:(?:name|kind): |readonly kind: )"([\w-]+)"/gm,
    rooms: /^engine\/objective\//,
    about: (asked) => !/schedule|issue|activation|pool|reduction/i.test(asked),
  },
  {
    what: "op",
    from: /^engine\/ops\//,
    name: /\bop: "(\w+)"/g,
    // Some entries are made in families, without a name of their own in the source.
    like: /^[A-Z][A-Za-z]+$/,
    // Passes of the compiler look for patterns of ops; scores of classic models are found by ops of ai.onnx.ml, which has no entry.
    rooms: /^(engine\/|learn\/teacher\/askable\.ts$)/,
    about: (asked) => /\b(op|opType)$/.test(asked),
  },
  {
    what: "model",
    from: /^engine\/models\//,
    name: /kind: z\.literal\("([\w-]+)"/g,
    rooms: /^engine\/models\//,
    about: () => true,
  },
  {
    what: "source",
    from: /^learn\/data\/sources\//,
    name: /^ {2}kind: "([\w-]+)",/gm,
    rooms: /^learn\/data\/sources\//,
    about: () => true,
  },
  {
    what: "teacher",
    from: /^run\/teaching\/kinds\//,
    name: /\bmark: "(\w+)"/g,
    rooms: /^(learn\/teacher|run\/teaching)\//,
    about: (asked, how) => /teacher|described|member/i.test(asked) || (how === "in" && /^(t|one)$/.test(asked)),
  },
  {
    what: "strategy",
    from: /^run\/strategies\/[\w-]+\.ts$/,
    name: /^ {2}kind: "([\w-]+)"/gm,
    rooms: /^run\/strategies\//,
    about: () => true,
  },
];
/** Fewer entries than this in any registry: its names are written elsewhere now, and this file must say where. */
const FEWEST_NAMES = 5;

/** Each registry with the names that the sources give its entries. */
export function namedRegistries(files) {
  return REGISTRIES.map((registry) => {
    const texts = files.filter(({ path }) => registry.from.test(path)).map(({ code }) => code);
    const names = texts.flatMap((text) => [...text.matchAll(registry.name)].map((m) => m[1] ?? m[2]));
    return { ...registry, names: new Set(names) };
  });
}

/** Sentences about comparisons with another room's names. */
export function kindProblems(files) {
  const registries = namedRegistries(files);
  const empty = registries.filter(({ names }) => names.size < FEWEST_NAMES);
  const problems = empty.map(
    ({ what, names }) =>
      `scripts/lint-kinds.js: finds ${names.size} names of the registry "${what}"; say where its entries are`,
  );
  for (const { path, text, parts, code } of files)
    for (const { name, asked, how, at } of comparisonsIn(text, parts, code)) {
      const owners = registries.filter((r) => (r.names.has(name) || r.like?.test(name)) && r.about(asked, how));
      if (owners.length === 0 || owners.some((r) => r.rooms.test(path))) continue;
      const whose = owners.map((r) => r.what).join(" or ");
      problems.push(`src/${path}:${lineOf(text, at)}: asks ${asked} for the ${whose} "${name}" by name; ask its entry`);
    }
  return problems;
}

/** Every string that a value is compared with, with the value: `===`, `case`, `in`, `has`, `includes`. */
export function comparisonsIn(text, parts, code) {
  const switches = [...code.matchAll(/switch \((.*)\) \{/g)].map((m) => ({ at: m.index, asked: m[1] }));
  return parts.flatMap(({ kind, start, end }) => {
    if (kind !== "string") return [];
    const before = code.slice(Math.max(0, start - 80), start);
    const after = code.slice(end, end + 200);
    const inCase = /\bcase\s+$/.test(before) && switches.filter((s) => s.at < start).at(-1)?.asked;
    const beside =
      inCase ||
      /([\w$.?!\])]+)\s*[!=]==?\s*$/.exec(before)?.[1] ||
      /^\s*[!=]==?\s*([\w$.?!]+)/.exec(after)?.[1] ||
      /([\w$.?!]+)\.(?:has|includes)\($/.exec(before)?.[1] ||
      /^[^[\]]*\]\s*\)?\.(?:has|includes)\(([\w$.?!]+)/.exec(after)?.[1];
    const within = /^\s+in\s+([\w$.?!]+)/.exec(after)?.[1];
    const asked = beside || within;
    return asked ? [{ name: text.slice(start + 1, end - 1), asked, how: within ? "in" : "is", at: start }] : [];
  });
}
