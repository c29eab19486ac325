/** Registries: the one list of the entries of a kind of thing (losses, sources, models ...), which can be added to. */
import { InputError } from "./errors.js";

export interface Entry {
  /** Its name in recipes, messages and reports. */
  readonly kind: string;
}

/** How often any registry has changed. */
let changes = 0;

export class Registry<E extends Entry> {
  readonly #entries = new Map<string, E>();

  /** @param what the entries are, for messages: "loss" */
  constructor(
    readonly what: string,
    entries: readonly E[] = [],
  ) {
    for (const entry of entries) this.register(entry);
  }

  /**
   * Adds an entry.
   * @returns takes it away again
   * @throws InputError when there is one of this kind
   */
  register(entry: E): () => void {
    const { kind } = entry;
    if (this.#entries.has(kind))
      throw new InputError({
        code: "option-conflict",
        where: `${this.what} "${kind}"`,
        found: "there is one of this kind already",
        cure: "Give it another kind",
      });
    this.#entries.set(kind, entry);
    changes++;
    return () => {
      if (this.#entries.get(kind) !== entry) return;
      this.#entries.delete(kind);
      changes++;
    };
  }

  /** The entry of a kind, where there is one. */
  find(kind: string): E | undefined {
    return this.#entries.get(kind);
  }

  /** In the order in which they were added. */
  get entries(): readonly E[] {
    return [...this.#entries.values()];
  }
}

/** What is put together from registries: made when it is first asked for, and again when an entry of any of them has changed. */
export function assembled<T>(make: () => T): () => T {
  let made: { readonly at: number; readonly value: T } | undefined;
  return () => {
    if (made?.at !== changes) made = { at: changes, value: make() };
    return made.value;
  };
}
