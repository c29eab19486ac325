/** The form of a rule: which features exclude each other, and the sentence that says so. How rules are asked. */
import { type ErrorCode, type Fault, InputError } from "../../../base/errors.js";
import type { Plan } from "../../recipe/schema/schema.js";
import type { DataFacts } from "./facts.js";

/**
 * Whom a rule is about:
 * - recipe: whatever trains students by it
 * - one-shot, strategy: a whole run, of one distillation or of several trainings
 * - sweep, label: a sweep; a labelling, which only has a teacher
 * - student-training, teacher-training: one model on labels alone
 * - evaluation: any model on any part of the data
 * - student: each student with a teacher of its own: a variant, a hop, a combination of a sweep
 * - samples: the same, once it is known which samples each may see
 */
export type Subject =
  | "recipe"
  | "one-shot"
  | "strategy"
  | "sweep"
  | "label"
  | "student-training"
  | "teacher-training"
  | "evaluation"
  | "student"
  | "samples";

/** How many samples a student and its teacher may see. */
export interface SeenFacts {
  /** Samples that the student sees, and those of them with a label that it may use. */
  readonly student: { readonly samples: number; readonly labelled: number };
  /** Samples with a label that a trained teacher sees. */
  readonly teacher: number;
}

/** What of a plan an evaluation of any model has. */
interface EvaluationPlan {
  readonly evaluation: Pick<Plan["evaluation"], "robustness">;
}

/** What a rule reads, by what is known where it is asked first. */
export interface Reads {
  readonly recipe: { readonly plan: Plan };
  readonly data: { readonly plan: Plan; readonly data: DataFacts };
  readonly evaluation: { readonly plan: EvaluationPlan; readonly data: DataFacts };
  readonly samples: { readonly plan: Plan; readonly data: DataFacts; readonly seen: SeenFacts };
}

/** What a sentence is made of (`Fault`). */
export type Sentence = Pick<Fault, "found" | "expected" | "cure">;

interface Named<Known extends keyof Reads> {
  /** Unique in the table. */
  readonly name: string;
  readonly of: Subject | readonly Subject[];
  readonly reads: Known;
}

/** A rule of the table. @typeParam Broken what breaks it, for its sentence */
export interface Rule<Known extends keyof Reads, Broken> extends Named<Known> {
  readonly code: ErrorCode;
  /** The recipe's field that is wrong, as the recipe spells it. */
  readonly field: string | ((broken: Broken) => string);
  /** What breaks the rule; null, undefined or false where it is kept. */
  when(asked: Reads[Known]): Broken | null | undefined | false;
  says(broken: Broken, asked: Reads[Known]): Sentence;
}

/** A rule that a lower room knows: what it throws is the sentence. */
export interface PassedOn<Known extends keyof Reads> extends Named<Known> {
  /** @throws InputError where the rule is broken */
  check(asked: Reads[Known]): void;
}

/** Any rule, as the table holds it. */
export interface TableRule extends Named<keyof Reads> {
  /** What is wrong; null where the rule is kept. */
  broken(asked: Asked): InputError | null;
}

/** An entry of the table. */
export function rule<Known extends keyof Reads, Broken>(entry: Rule<Known, Broken>): TableRule {
  const { name, of, reads, code, field } = entry;
  return passedOn<Known>({
    name,
    of,
    reads,
    check(asked) {
      const broken = entry.when(asked);
      if (broken === null || broken === undefined || broken === false) return;
      const where = typeof field === "string" ? field : field(broken);
      const { found, expected, cure } = entry.says(broken, asked);
      throw new InputError({ code, where, found, expected, cure });
    },
  });
}

/** An entry of the table whose sentence comes from a lower room. */
export function passedOn<Known extends keyof Reads>(entry: PassedOn<Known>): TableRule {
  const { name, of, reads } = entry;
  const broken = (given: Asked): InputError | null => {
    try {
      // `rulesFor` asks it only where all is known that it reads.
      entry.check(given as Reads[Known]);
      return null;
    } catch (error) {
      if (error instanceof InputError) return error;
      throw error;
    }
  };
  return { name, of, reads, broken };
}

/** What is asked about: the plan, and what is already known of data and samples. */
export interface Asked {
  readonly plan: EvaluationPlan | Plan;
  readonly data?: DataFacts;
  readonly seen?: SeenFacts;
}

/** The rules about these subjects that can be asked with what is known. */
function rulesFor(rules: readonly TableRule[], subjects: readonly Subject[], { data, seen }: Asked): TableRule[] {
  const known = { recipe: true, data: data !== undefined, evaluation: data !== undefined, samples: seen !== undefined };
  return rules.filter(({ of, reads }) => known[reads] && [of].flat().some((subject) => subjects.includes(subject)));
}

/** The first rule that is broken, with its sentence; null where all that can be asked are kept. */
export function brokenRule(
  rules: readonly TableRule[],
  subjects: readonly Subject[],
  asked: Asked,
): { readonly rule: TableRule; readonly error: InputError } | null {
  for (const entry of rulesFor(rules, subjects, asked)) {
    const error = entry.broken(asked);
    if (error) return { rule: entry, error };
  }
  return null;
}

/** @throws InputError with the sentence of the first rule that is broken */
export function checkRules(rules: readonly TableRule[], subjects: readonly Subject[], asked: Asked): void {
  const found = brokenRule(rules, subjects, asked);
  if (found) throw found.error;
}
