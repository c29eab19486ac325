/** Update rules and schedules as plain configuration: they cross to the worker and into checkpoints. */

/** SGD with momentum as in PyTorch: v = m v + g (first step v = g); p -= lr (g + m v if nesterov else v). Weight decay is L2: g += wd p. */
export interface SgdRule {
  readonly kind: "sgd";
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

/** Adam (Kingma & Ba, ICLR 2015), L2 weight decay in the gradient; AdamW (Loshchilov & Hutter, ICLR 2019), decay apart: p -= lr wd p. */
export interface AdamRule {
  readonly kind: "adam" | "adamw";
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

export type UpdateRule = SgdRule | AdamRule;

/**
 * Exponential moving average of the weights: a += (1 - d) (w - a) after every update, for parameters and batch-norm
 * statistics alike. Averaging along the way: Polyak & Juditsky, SIAM J. Control Optim. 1992; decaying: Tarvainen & Valpola,
 * NeurIPS 2017 (mean teacher).
 */
export interface WeightAverage {
  /** d, from 0 to below 1; about the last 1 / (1 - d) updates count. */
  readonly decay: number;
  /** Update t (from 1) uses min(d, (1 + t) / (10 + t)), so that the initial weights are soon forgotten. */
  readonly ramp: boolean;
}

/** Learning rate over the steps of a training. `warmup` is a number of steps of linear warm-up placed before the rest. */
export type Schedule =
  | { readonly kind: "constant"; readonly lr: number; readonly warmup: number }
  /** Half a cosine from lr to lrEnd. */
  | { readonly kind: "cosine"; readonly lr: number; readonly lrEnd: number; readonly warmup: number }
  /** lr times gamma at each milestone, milestones as fractions of the whole training in (0,1). */
  | {
      readonly kind: "step";
      readonly lr: number;
      readonly gamma: number;
      readonly milestones: readonly number[];
      readonly warmup: number;
    }
  /** PyTorch's OneCycleLR with cosine annealing: start lr / divFactor, peak lr at warmFraction, end lr / divFactor / finalDivFactor;
   * momentum (beta1) runs from momentumMax down to momentumMin and back when cycleMomentum. */
  | {
      readonly kind: "one-cycle";
      readonly lr: number;
      readonly warmFraction: number;
      readonly divFactor: number;
      readonly finalDivFactor: number;
      readonly cycleMomentum: boolean;
      readonly momentumMin: number;
      readonly momentumMax: number;
    };

/** What a schedule says for one step; `momentum` replaces momentum / beta1 when present. */
export interface ScheduledStep {
  readonly lr: number;
  readonly momentum?: number;
}

/**
 * Coefficients of an update that change from step to step; t counts updates from 1, beta1 and momentum are the scheduled ones.
 * Adam: rate1 = 1 - beta1, stepSize = lr / (1 - beta1^t), inverseRoot = 1 / sqrt(1 - beta2^t), shrink = 1 - lr wd (AdamW) or 1.
 */
export type UpdateScalars =
  | { readonly kind: "sgd"; readonly lr: number; readonly momentum: number }
  | {
      readonly kind: "adam";
      readonly rate1: number;
      readonly stepSize: number;
      readonly inverseRoot: number;
      readonly shrink: number;
    };
