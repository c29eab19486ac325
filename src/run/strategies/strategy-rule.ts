/** Rules about the recipes of one strategy, written in the strategy's own file. */
import { type Reads, type Rule, rule, type TableRule } from "../teaching/rules/rule.js";
import type { Plan } from "../recipe/schema/schema.js";
import type { StrategyOf } from "./strategy-entry.js";

type Kind = Plan["strategy"]["kind"];

/** A rule as its strategy writes it. @typeParam Broken what breaks it, for its sentence */
interface StrategyRule<K extends Kind, Known extends keyof Reads, Broken>
  extends Omit<Rule<Known, Broken>, "of" | "when"> {
  /** What breaks the rule; null, undefined or false where it is kept. */
  when(strategy: StrategyOf<K>, asked: Reads[Known]): Broken | null | undefined | false;
}

/** The rules of a strategy, which are asked of its recipes alone. */
export function rulesOf<K extends Kind>(kind: K) {
  return <Known extends "recipe" | "data" | "samples", Broken>(entry: StrategyRule<K, Known, Broken>): TableRule =>
    rule<Known, Broken>({
      ...entry,
      of: "strategy",
      when(asked) {
        const { strategy } = asked.plan;
        return strategy.kind === kind && entry.when(strategy as StrategyOf<K>, asked);
      },
    });
}
