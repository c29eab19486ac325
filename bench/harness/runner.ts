/** A runner's process, seen from the driver. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import type { Farewell, Losses, Ready, Request, Timing } from "./protocol.js";

export interface RunnerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Last lines of standard error kept for messages. */
const KEPT_LINES = 12;

export class RunnerProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #errors: string[] = [];

  private constructor(child: ChildProcess, reader: Interface) {
    this.#child = child;
    this.#lines = reader[Symbol.asyncIterator]();
  }

  /**
   * Starts a runner and waits until it is ready.
   * @throws Error with the end of its standard error when it ends before
   */
  static async start({ command, args, env }: RunnerCommand): Promise<{ runner: RunnerProcess; ready: Ready }> {
    const child = spawn(command, [...args], { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
    const failed = new Promise<never>((_, reject) => child.once("error", reject));
    failed.catch(() => undefined);
    const runner = new RunnerProcess(child, createInterface({ input: child.stdout }));
    createInterface({ input: child.stderr }).on("line", (line) => {
      runner.#errors.push(line);
      if (runner.#errors.length > KEPT_LINES) runner.#errors.shift();
    });
    // A runner that ends early is reported by `#answer`, not by a broken pipe.
    child.stdin.on("error", () => undefined);
    const ready = await Promise.race([runner.#answer<Ready>(), failed]);
    return { runner, ready };
  }

  losses(): Promise<Losses> {
    return this.#ask<Losses>({ kind: "losses" });
  }

  run(seconds: number): Promise<Timing> {
    return this.#ask<Timing>({ kind: "run", seconds });
  }

  async quit(): Promise<Farewell> {
    const farewell = await this.#ask<Farewell>({ kind: "quit" });
    this.#child.stdin?.end();
    return farewell;
  }

  /** For runners that failed. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #ask<T>(request: Request): Promise<T> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    return this.#answer<T>();
  }

  /** The next line that is a JSON object. */
  async #answer<T>(): Promise<T> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`it ended early. The end of its messages:\n${this.#errors.join("\n")}`);
      if (!value.startsWith("{")) continue;
      const message = JSON.parse(value) as T & { error?: string };
      if (message.error !== undefined) throw new Error(message.error);
      return message;
    }
  }
}
