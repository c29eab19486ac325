/** Rate and time left, from the last few seconds rather than from the start. */
import type { TrainingProgress } from "./types.js";

const WINDOW_MS = 5000;

export class ProgressMeter {
  readonly #marks: { time: number; step: number }[] = [];
  score: TrainingProgress["score"] = null;

  constructor(
    private readonly name: string,
    private readonly steps: number,
    first: number,
  ) {
    this.#marks.push({ time: performance.now(), step: first });
  }

  at(step: number, epoch: number, loss: number): TrainingProgress {
    const time = performance.now();
    this.#marks.push({ time, step });
    while (this.#marks.length > 2 && time - (this.#marks[1] as { time: number }).time > WINDOW_MS) this.#marks.shift();
    const [oldest] = this.#marks as [{ time: number; step: number }];
    const rate = time > oldest.time ? ((step - oldest.step) * 1000) / (time - oldest.time) : 0;
    const secondsLeft = rate > 0 ? (this.steps - step) / rate : Number.POSITIVE_INFINITY;
    return { name: this.name, step, steps: this.steps, epoch, rate, secondsLeft, loss, score: this.score };
  }
}
