/** The temperature of `temperature: auto`: chosen from what a teacher answers for training samples. Nothing here is Node's. */
import { logProbabilities } from "../evaluate/metrics.js";
import { maxOf } from "../../base/extremes.js";

/** What a teacher answered. */
export interface AnswersToSoften {
  readonly kind: "logits" | "probabilities";
  /** [samples, classes] */
  readonly values: Float32Array;
  readonly classes: number;
}

export interface ChosenTemperature {
  readonly temperature: number;
  /** A clause about what was measured. */
  readonly because: string;
}

/** Tried in this order. */
const TEMPERATURES = [1, 2, 4];
/** Share of exact zeros from which probabilities are shares of votes: a softmax gives none. */
const VOTES = 0.01;
/** Probability beside the best class from which answers are soft. */
const SOFT = 0.02;

/**
 * The temperature for a loss whose usual one this is. Logits get the usual one. Probabilities get 1 where some are exactly 0 (trees,
 * nearest neighbours), else the lowest of 1, 2 and 4, up to the usual one, that leaves 2 % to other classes than the best.
 * Measured: docs/losses.md.
 */
export function chooseTemperature(answers: AnswersToSoften, usual: number): ChosenTemperature {
  if (answers.kind === "logits") return { temperature: usual, because: "the teacher gives logits" };
  const zeros = answers.values.reduce((n, v) => n + Number(v === 0), 0) / answers.values.length;
  if (zeros >= VOTES)
    return {
      temperature: 1,
      because: `${percent(zeros)} of the teacher's probabilities are exactly 0, as shares of votes are`,
    };
  const tried = TEMPERATURES.filter((t) => t <= usual);
  const temperature = tried.find((t) => softness(answers, t) >= SOFT) ?? usual;
  const left = percent(softness(answers, temperature));
  return {
    temperature,
    because: `the teacher gives probabilities, and leaves ${left} to other classes than its first choice there`,
  };
}

/** 1 - the mean probability of the best class at temperature t. */
export function softness({ values, classes, kind }: AnswersToSoften, t: number): number {
  const rows = values.length / classes;
  let sum = 0;
  for (let row = 0; row < rows; row++) sum += 1 - Math.exp(maxOf(logProbabilities(values, row, classes, kind, t)));
  return sum / rows;
}

const percent = (share: number): string => `${(100 * share).toPrecision(2)} %`;
