/** What a command prints: colours and a progress bar on a terminal, plain lines elsewhere, one JSON document with --json. */
import { scoreText } from "../learn/evaluate/score-metric.js";
import type { SingleBar } from "cli-progress";
import pc from "picocolors";
import type { DataAudit } from "../learn/data/audit/types.js";
import { noun } from "../base/noun.js";
import { auditLines } from "../learn/report/audit-text.js";
import type { RunEvent, Together } from "../run/folder/events.js";
import type { TrainingProgress } from "../learn/train/types.js";
import { onInterrupt } from "./interrupt.js";
import { printable, printableName, printablePainted, visible } from "./printable.js";

export interface TerminalOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  /** The command that prints all that the data audit found; default: with RECIPE in place of a file. */
  readonly dataCommand?: string;
}

/** Progress goes to stderr, results to stdout. */
export class Terminal {
  readonly #talk: boolean;
  readonly #live: boolean;
  readonly #colors = pc.createColors(Boolean(process.stderr.isTTY) && !process.env.NO_COLOR);
  #bar: SingleBar | undefined;
  #barName = "";
  #lastLine = 0;
  #progress: typeof import("cli-progress") | undefined;

  constructor(readonly options: TerminalOptions) {
    this.#talk = !options.json && !options.quiet;
    this.#live = this.#talk && Boolean(process.stderr.isTTY);
  }

  /** Loads the progress bar when there is a terminal to draw it on. */
  async ready(): Promise<this> {
    if (this.#live) this.#progress = (await import("cli-progress")).default as unknown as typeof import("cli-progress");
    return this;
  }

  /** True when stdout is a terminal that wants colours. */
  get colored(): boolean {
    return Boolean(process.stdout.isTTY) && !process.env.NO_COLOR;
  }

  event(event: RunEvent): void {
    if (event.kind === "stage") this.stage(event.text);
    else if (event.kind === "hop") this.stage(`Hop ${event.hop} of ${event.hops}: ${event.text}`);
    else if (event.kind === "info") this.info(event.text);
    else if (event.kind === "warning") this.warn(event.text);
    else if (event.kind === "audit") this.audit(event.audit);
    else if (event.kind === "labelling") this.#samples(`labelling with ${event.teacher}`, event);
    else if (event.kind === "measuring") this.#samples(event.text, event);
    else if (event.together) this.#together(event.together);
    else this.#training(event.progress);
  }

  /** What is known about the data: one line where all is well. Warnings are shown with --quiet and --json too. */
  audit(audit: DataAudit): void {
    this.#endBar();
    const width = Math.min(120, Math.max(60, process.stderr.columns ?? 100));
    const lines = auditLines(audit, { width, warningsOnly: !this.#talk, command: this.options.dataCommand });
    const painted = lines.map((line) =>
      printable(line).replace(/^( *)warning:/, `$1${this.#colors.yellow("warning:")}`),
    );
    if (painted.length > 0) process.stderr.write(`${painted.join("\n")}\n`);
  }

  stage(text: string): void {
    this.#endBar();
    if (this.#talk) process.stderr.write(`${this.#colors.bold(printable(text))}\n`);
  }

  info(text: string): void {
    this.#endBar();
    if (this.#talk) process.stderr.write(`  ${this.#colors.dim(printable(text))}\n`);
  }

  note(text: string): void {
    this.#endBar();
    if (!this.options.json) process.stderr.write(`${printable(text)}\n`);
  }

  warn(text: string): void {
    this.#endBar();
    process.stderr.write(`${this.#colors.yellow("warning:")} ${printable(text)}\n`);
  }

  error(text: string): void {
    this.#endBar();
    process.stderr.write(`${this.#colors.red("error:")} ${printable(text)}\n`);
  }

  /** The result: human text, or the JSON document. */
  result(text: string, json: unknown): void {
    this.#endBar();
    const shown = this.colored ? printablePainted : visible;
    process.stdout.write(this.options.json ? `${JSON.stringify(json, null, 2)}\n` : `${shown(text)}\n`);
  }

  close(): void {
    this.#endBar();
  }

  #samples(name: string, { done, total, rate }: { done: number; total: number; rate: number }): void {
    this.#advance(name, done, total, perSecond(rate, "sample"), (total - done) / rate);
  }

  #training(p: TrainingProgress): void {
    const score = p.score ? `, validation ${p.score.metric} ${scoreText(p.score.metric, p.score.value)}` : "";
    this.#advance(p.name, p.step, p.steps, `${perSecond(p.rate, "step")}${score}`, p.secondsLeft);
  }

  #together(t: Together): void {
    const detail = `${t.done} done, ${t.atATime} at a time, ${perSecond(t.rate, "step")}`;
    this.#advance(noun(t.trainings, "training run"), t.step, t.steps, detail, t.secondsLeft);
  }

  #advance(given: string, done: number, total: number, detail: string, secondsLeft?: number): void {
    if (!this.#talk) return;
    const name = printableName(given);
    const eta = secondsLeft === undefined || !Number.isFinite(secondsLeft) ? "" : `, ${clock(secondsLeft)} left`;
    if (!this.#live || !this.#progress) {
      // Without a terminal: a line every ten seconds and one at the end of each stage.
      const now = performance.now();
      if (done < total && now - this.#lastLine < 10_000) return;
      this.#lastLine = now;
      process.stderr.write(`  ${name}: ${done}/${total}, ${detail}${done < total ? eta : ""}\n`);
      return;
    }
    if (this.#barName !== name) {
      this.#endBar();
      this.#barName = name;
      this.#bar = new this.#progress.SingleBar(
        {
          format: "  {name} |{bar}| {percentage} % {detail}{left}",
          hideCursor: true,
          barsize: 24,
          stream: process.stderr,
          clearOnComplete: false,
        },
        this.#progress.Presets.shades_classic,
      );
      this.#bar.start(total, done, { name, detail, left: eta });
    }
    this.#bar?.update(done, { name, detail, left: done < total ? eta : "" });
    if (done >= total) this.#endBar();
  }

  #endBar(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#barName = "";
  }
}

/** "120 steps/s", "3.4 steps/s", and below one "2.5 s a step". */
export function perSecond(rate: number, what: string): string {
  if (rate <= 0) return "";
  if (rate < 1) return `${(1 / rate).toFixed(1)} s a ${what}`;
  return `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} ${what}s/s`;
}

/** 75 -> "1:15". */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const h = Math.floor(s / 3600);
  const m = Math.floor((s % 3600) / 60);
  const two = (n: number): string => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** An AbortSignal that fires on Ctrl-C (and SIGTERM); a second Ctrl-C ends the process at once. */
export function interruptible(
  terminal: Terminal,
  stopping = "stopping after this step; continue the run with --resume (press Ctrl-C again to exit immediately)",
): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const release = onInterrupt(() => {
    terminal.note(stopping);
    controller.abort();
  });
  return { signal: controller.signal, release };
}
