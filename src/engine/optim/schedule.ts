/** Learning-rate schedules as closed forms: the rate of any step without running those before it, so resuming needs no state. */
import type { Schedule, ScheduledStep } from "./types.js";

/**
 * Learning rate (and momentum, for one-cycle) of one update.
 *
 * Warm-up is linear, from lr / (warmup + 1) at step 0 to lr at step `warmup`; the rest of the schedule covers the steps
 * after it. Cosine equals PyTorch's CosineAnnealingLR over those steps (lrEnd would be reached one step after the last),
 * step equals MultiStepLR with milestones rounded to whole steps, one-cycle equals OneCycleLR with cosine annealing.
 * @param step number of the update, from 0
 * @param totalSteps updates of the whole training
 */
export function scheduledStep(schedule: Schedule, step: number, totalSteps: number): ScheduledStep {
  if (schedule.kind === "one-cycle") return oneCycle(schedule, step, totalSteps);
  const { lr, warmup } = schedule;
  if (step < warmup) return { lr: (lr * (step + 1)) / (warmup + 1) };
  if (schedule.kind === "constant") return { lr };
  if (schedule.kind === "cosine") {
    const progress = Math.min(1, (step - warmup) / Math.max(1, totalSteps - warmup));
    return { lr: annealed(lr, schedule.lrEnd, progress) };
  }
  const passed = schedule.milestones.filter((m) => step >= Math.round(m * totalSteps)).length;
  return { lr: lr * schedule.gamma ** passed };
}

/** Smith & Topin 2018, in the form of torch.optim.lr_scheduler.OneCycleLR(anneal_strategy="cos", three_phase=False). */
function oneCycle(s: Extract<Schedule, { kind: "one-cycle" }>, step: number, totalSteps: number): ScheduledStep {
  const start = s.lr / s.divFactor;
  const end = start / s.finalDivFactor;
  const peak = s.warmFraction * totalSteps - 1;
  const last = totalSteps - 1;
  const rising = step <= peak && peak > 0;
  const from = rising ? 0 : peak;
  const progress = rising ? step / peak : Math.min(1, last > from ? (step - from) / (last - from) : 1);
  const lr = rising ? annealed(start, s.lr, progress) : annealed(s.lr, end, progress);
  if (!s.cycleMomentum) return { lr };
  const momentum = rising
    ? annealed(s.momentumMax, s.momentumMin, progress)
    : annealed(s.momentumMin, s.momentumMax, progress);
  return { lr, momentum };
}

/** Half a cosine: `from` at progress 0, `to` at progress 1. */
function annealed(from: number, to: number, progress: number): number {
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * progress));
}
