/**
 * Of many classes, those that matter: summary.json and the report list them, and a file beside holds every class. Up to
 * MOST_IN_MATRIX classes all are listed.
 */
import { type ConfusedPairs, MOST_IN_MATRIX } from "./class-counts.js";
import type { ClassRow, ModelRow, Summary } from "./summary.js";

/** The file with every class, beside summary.json. */
export const CLASSES_FILE = "classes.json";
/** Classes taken of each kind: largest gains, largest losses, lowest recall, most samples, most confused. */
const OF_EACH_KIND = 15;
/** Lines of all models together, so that summary.json stays small with many models. */
const MOST_LINES = 12_000;
const FEWEST_LISTED = 100;

/** Scores of every class and model: the content of classes.json. All lists have the order of the classes. */
export interface ClassTable {
  /** Class names. */
  readonly classes: readonly string[];
  /** Test samples. */
  readonly samples: readonly number[];
  /** Means over the seeds, shares in [0, 1]; 0 where a class has no test sample. */
  readonly models: readonly {
    readonly id: string;
    readonly precision: readonly number[];
    readonly recall: readonly number[];
    readonly f1: readonly number[];
  }[];
}

/**
 * The summary as it is written, and the table that goes into the file beside it.
 * @param summary with every class in every `perClass`
 * @returns the same summary and no table, where all classes are listed
 */
export function listClasses(summary: Summary): { readonly summary: Summary; readonly table: ClassTable | null } {
  const scored = summary.models.filter((m) => m.perClass.length > MOST_IN_MATRIX);
  const [first] = scored;
  if (!first) return { summary, table: null };
  const of = first.perClass.length;
  const most = Math.max(FEWEST_LISTED, Math.floor(MOST_LINES / summary.models.length));
  const indices = choose(kindsOf(summary, scored), most);
  const tested = first.perClass.filter((c) => c.support > 0).length;
  const listed = (m: ModelRow): readonly ClassRow[] =>
    m.perClass.length === of ? indices.map((c) => m.perClass[c] as ClassRow) : m.perClass;
  return {
    summary: {
      ...summary,
      models: summary.models.map((m) => ({ ...m, perClass: listed(m) })),
      listedClasses: { indices, of, tested, file: CLASSES_FILE },
      files: { ...summary.files, classes: CLASSES_FILE },
    },
    table: {
      classes: first.perClass.map((c) => c.class),
      samples: first.perClass.map((c) => c.support),
      models: scored.map(({ id, perClass }) => ({
        id,
        precision: perClass.map((c) => rounded(c.precision)),
        recall: perClass.map((c) => rounded(c.recall)),
        f1: perClass.map((c) => rounded(c.f1)),
      })),
    },
  };
}

/** The summary with every class again. @param table of the run it is of; null where it lists all */
export function withAllClasses(summary: Summary, table: ClassTable | null): Summary {
  if (!table || !summary.listedClasses) return summary;
  const { classes: file, ...files } = summary.files;
  const { listedClasses: _, ...rest } = summary;
  const models = summary.models.map((m) => {
    const own = table.models.find((t) => t.id === m.id);
    if (!own) return m;
    const perClass = table.classes.map((name, c) => ({
      class: name,
      precision: own.precision[c] as number,
      recall: own.recall[c] as number,
      f1: own.f1[c] as number,
      support: table.samples[c] as number,
    }));
    return { ...m, perClass };
  });
  return { ...rest, models, files: file === CLASSES_FILE ? files : summary.files };
}

/** Six digits tell any two counts of ten thousand samples apart. */
const rounded = (share: number): number => Number(share.toPrecision(6));

/** Each kind of classes that matter, best first. */
function kindsOf(summary: Summary, scored: readonly ModelRow[]): number[][] {
  const find = (id: string | null): ModelRow | undefined => scored.find((m) => m.id === id);
  const pairs = summary.comparisons.map((c) => ({ student: find(c.student), baseline: find(c.baseline) }));
  const known = pairs.filter(
    (p): p is { student: ModelRow; baseline: ModelRow | undefined } => p.student !== undefined,
  );
  const shown = known.length > 0 ? known : scored.map((student) => ({ student, baseline: undefined }));
  return shown.flatMap(({ student, baseline }) => {
    const rows = student.perClass;
    const gain = (c: number): number => (rows[c] as ClassRow).recall - (baseline?.perClass[c]?.recall ?? 0);
    return [
      ...(baseline ? [best(rows, gain), best(rows, (c) => -gain(c))] : []),
      best(rows, (c) => -(rows[c] as ClassRow).recall),
      best(rows, (c) => (rows[c] as ClassRow).support),
      classesOf(student.confused),
    ];
  });
}

/** Classes with test samples by a score, of equal ones those with more samples first. */
function best(rows: readonly ClassRow[], score: (c: number) => number): number[] {
  const tested = [...rows.keys()].filter((c) => (rows[c] as ClassRow).support > 0);
  const support = (c: number): number => (rows[c] as ClassRow).support;
  return tested.sort((a, b) => score(b) - score(a) || support(b) - support(a) || a - b).slice(0, OF_EACH_KIND);
}

const classesOf = (confused: ConfusedPairs | undefined): number[] =>
  [...new Set((confused?.pairs ?? []).slice(0, OF_EACH_KIND).flatMap((p) => [p.label, p.answer]))].slice(
    0,
    OF_EACH_KIND,
  );

/** The first of each kind, then the second of each ..., until there are enough; ascending. */
function choose(kinds: readonly (readonly number[])[], most: number): number[] {
  const chosen = new Set<number>();
  for (let rank = 0; rank < OF_EACH_KIND; rank++)
    for (const kind of kinds) {
      const c = kind[rank];
      if (c !== undefined && chosen.size < most) chosen.add(c);
    }
  return [...chosen].sort((a, b) => a - b);
}
