import assert from "node:assert/strict";
import { test } from "node:test";
import { meanCorruptionError, summariseErrors } from "../../../src/learn/evaluate/robustness/score.js";

const close = (a: number | null | undefined, b: number): void =>
  assert.ok(Math.abs((a as number) - b) < 1e-12, `${a} is not ${b}`);

test("mean corruption error by hand", () => {
  const reference = [
    [0.1, 0.3],
    [0.5, 0.5],
  ];
  // (0.2 + 0.2) / 0.4 = 1 and (0.25 + 0.5) / 1 = 0.75.
  close(
    meanCorruptionError(
      [
        [0.2, 0.2],
        [0.25, 0.5],
      ],
      reference,
    ),
    0.875,
  );
  close(meanCorruptionError(reference, reference), 1);
  // A ratio of sums, not a mean of ratios: 0.4 / 0.4, though 0.1 / 0.3 and 0.3 / 0.1 average 1.67.
  close(meanCorruptionError([[0.1, 0.3]], [[0.3, 0.1]]), 1);
});

test("corruptions without an error of the reference are left out; with none left there is no ratio", () => {
  close(
    meanCorruptionError(
      [
        [0.2, 0.2],
        [0.3, 0],
      ],
      [
        [0.1, 0.1],
        [0, 0],
      ],
    ),
    2,
  );
  assert.equal(meanCorruptionError([[0.2]], [[0]]), null);
});

test("rows: means over severities and seeds, mCE of each seed against the reference's mean", () => {
  const settings = {
    corruptions: ["contrast", "shift", "scale"],
    severities: [1, 5],
    samples: 10,
    seed: 0,
    range: [0, 1],
  } as const;
  const summary = summariseErrors(
    settings,
    [
      {
        id: "student",
        role: "student",
        seeds: [
          {
            seed: 0,
            clean: 0.1,
            errors: [
              [0.1, 0.2],
              [0.2, 0.4],
              [0, 0.1],
            ],
          },
          {
            seed: 1,
            clean: 0.3,
            errors: [
              [0.2, 0.3],
              [0.4, 0.4],
              [0.2, 0.1],
            ],
          },
        ],
      },
      {
        id: "baseline",
        role: "baseline",
        seeds: [
          {
            seed: 0,
            clean: 0.2,
            errors: [
              [0.1, 0.3],
              [0.6, 0.6],
              [0, 0],
            ],
          },
          {
            seed: 1,
            clean: 0.2,
            errors: [
              [0.3, 0.3],
              [0.4, 0.4],
              [0, 0],
            ],
          },
        ],
      },
    ],
    "baseline",
  );
  const [student, baseline] = summary.models;
  assert.deepEqual([summary.reference, summary.leftOut], ["baseline", ["scale"]]);
  close(student?.clean.mean, 0.2);
  close(student?.errors[0]?.mean, 0.2);
  close(student?.errors[1]?.mean, 0.35);
  close(student?.meanError.mean, (0.2 + 0.35 + 0.1) / 3);
  // Reference sums 0.5 and 1: seed 0 is (0.6 + 0.6) / 2, seed 1 is (1 + 0.8) / 2.
  close(student?.mCE?.mean, 0.75);
  close(baseline?.mCE?.mean, 1);
  // 12.706 is Student's 0.975 quantile with one degree of freedom; the values differ by 0.3.
  assert.ok(Math.abs((student?.mCE?.high as number) - 0.75 - 12.7062 * 0.15) < 1e-4);
  assert.equal(summariseErrors(settings, summary.models, null).models[0]?.mCE, null);
});
