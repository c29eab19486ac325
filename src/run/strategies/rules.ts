/** The whole table of rules: those of run/teaching/rules, and what strategies exclude. Whoever runs a recipe asks it. */
import { quote } from "../../base/quote.js";
import { assembled } from "../../base/registry.js";
import type { Plan } from "../recipe/schema/schema.js";
import { rule, type Subject, type TableRule } from "../teaching/rules/rule.js";
import { RULES } from "../teaching/rules/rules.js";
import { strategyEntries, strategyEntryOf } from "./registry.js";

/** What a run of this plan is: one distillation, or several trainings. */
export const runOf = (plan: Plan): Subject => (strategyEntryOf(plan).single ? "one-shot" : "strategy");

const ofEveryStrategy = [
  rule({
    name: "variants of a strategy",
    of: "strategy",
    reads: "recipe",
    code: "option-conflict",
    when: ({ plan }) => plan.variants.length > 0 && strategyEntryOf(plan).planHops && plan.strategy.kind,
    field: "variants",
    says: (kind) => ({
      found: `the strategy ${kind} is itself a sequence of runs and takes no variants`,
      cure: "Remove them (--set variants=[])",
    }),
  }),
  rule({
    name: "strategy without test samples",
    of: "strategy",
    reads: "data",
    code: "budget-invalid",
    when: ({ data }) => data.test.samples === 0,
    field: "data.split.test",
    says: () => ({
      found: "no sample is left to compare students on",
      expected: "a fraction of the samples, such as 0.2",
    }),
  }),
  rule({
    name: "sweep of a strategy",
    of: "sweep",
    reads: "recipe",
    code: "option-conflict",
    when: ({ plan }) => !strategyEntryOf(plan).single && plan.strategy.kind,
    field: "strategy.kind",
    says: (kind) => ({
      found: `${quote(kind)} is several runs, and a sweep trains single students`,
      expected: "one-shot",
      cure: 'Sweep with --set "strategy={kind: one-shot}"',
    }),
  }),
];

/** The table, in the order in which its rules are asked; put together again when a strategy is added. */
export const allRules = assembled((): readonly TableRule[] => [
  ...RULES,
  ...ofEveryStrategy,
  ...strategyEntries().flatMap((strategy) => strategy.rules ?? []),
]);
