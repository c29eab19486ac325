/** Rows of whole programs: every system runs from start to end, round by round. */
import { type ProgramRun, runProgram } from "../harness/program.js";
import type { RunnerCommand } from "../harness/runner.js";
import { answerDifference } from "./label.js";
import type { Absence, Measurement, RowCase, RowOptions } from "./row.js";

export interface ProgramSystem {
  readonly name: string;
  readonly title: string;
  /** Null when it can run, else what is missing and what to do. */
  missing(options: RowOptions): string | null;
  command(round: number, options: RowOptions): RunnerCommand;
}

type CaseText = Pick<RowCase, "name" | "title" | "compared">;

/**
 * A B C A B C ... over whole programs; seconds. A system that fails is dropped, not the rest.
 */
export async function playPrograms(
  systems: readonly ProgramSystem[],
  text: CaseText,
  options: RowOptions,
): Promise<RowCase> {
  const absences: Absence[] = [];
  const absent = ({ name, title }: ProgramSystem, reason: string): void => {
    absences.push({ system: name, title, reason });
    options.log(`  ${title}: ${reason}`);
  };
  const wanted = systems.filter((s) => options.systems?.includes(s.name) ?? true);
  let running = wanted.filter((system) => {
    const reason = system.missing(options);
    if (reason !== null) absent(system, reason);
    return reason === null;
  });
  const runs = new Map<string, ProgramRun[]>(running.map((s) => [s.name, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const system of [...running]) {
      try {
        const run = await runProgram(system.command(round, options));
        runs.get(system.name)?.push(run);
        const parts = Object.entries(run.report.parts).map(([name, value]) => `${name} ${value.toPrecision(4)}`);
        options.log(
          `  round ${round + 1} of ${options.rounds}: ${system.title} ${measured(run).toFixed(2)} s (${parts.join("; ")})`,
        );
      } catch (error) {
        absent(system, (error as Error).message);
        running = running.filter((s) => s !== system);
      }
    }
  }
  const ours = runs.get("limbeck")?.[0]?.report.compared;
  return {
    ...text,
    unit: "s",
    higher: false,
    measurements: running.map((s) => measurementOf(s, runs.get(s.name) as ProgramRun[], ours)),
    absences,
  };
}

const measured = ({ seconds, report }: ProgramRun): number => report.value ?? seconds;

function measurementOf(
  { name, title }: ProgramSystem,
  runs: readonly ProgramRun[],
  ours: readonly number[] | undefined,
): Measurement {
  const [first] = runs as [ProgramRun];
  const names = Object.keys(first.report.parts);
  const { version, detail, compared } = first.report;
  const memory = runs.map((r) => r.report.peakBytes ?? 0);
  return {
    system: name,
    title,
    version,
    detail,
    values: runs.map(measured),
    parts: Object.fromEntries(names.map((part) => [part, runs.map((r) => r.report.parts[part] ?? Number.NaN)])),
    difference: ours && compared && name !== "limbeck" ? answerDifference(compared, ours) : null,
    peakBytes: Math.max(...memory) || null,
  };
}
