/** The numbers of test/fixtures/augment/make.py, and how close to be. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { IDENTITY_VIEW, type View } from "../../../../src/learn/data/augment/view.js";

export interface Fixture {
  readonly affine: readonly {
    readonly name: string;
    readonly shape: [number, number, number];
    readonly steps: readonly [kind: string, values: number[]][];
    readonly image: number[];
    readonly out: number[];
  }[];
  readonly colour: {
    readonly shape: [number, number, number];
    readonly image: number[];
    readonly cases: readonly { readonly op: string; readonly amount: number; readonly out: number[] }[];
  };
  readonly levels: {
    readonly shape: [number, number, number];
    readonly image: number[];
    readonly cases: readonly {
      readonly op: string;
      readonly amount?: number;
      readonly magnitude?: number;
      readonly out: number[];
    }[];
    readonly equalize: readonly [from: number, to: number][];
  };
  readonly blur: {
    readonly shape: [number, number, number];
    readonly image: number[];
    readonly cases: readonly { readonly sigma: number; readonly out: number[] }[];
  };
  readonly beta: readonly { readonly alpha: number; readonly at: number; readonly quantile: number }[];
}

export const fixture = JSON.parse(readFileSync("test/fixtures/augment/views.json", "utf8")) as Fixture;

/** The identity but for these. */
export const viewWith = (changes: Partial<View>): View => ({ ...IDENTITY_VIEW, ...changes });

export function close(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what: string): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  for (let i = 0; i < actual.length; i++) {
    const distance = Math.abs((actual[i] as number) - (expected[i] as number));
    assert.ok(distance <= tolerance, `${what}: value ${i} is ${actual[i]}, expected ${expected[i]}`);
  }
}
