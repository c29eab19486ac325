/** How every run gets its data: loaded, looked over, and said. */
import { auditData } from "../../learn/data/audit/audit.js";
import type { DataAudit } from "../../learn/data/audit/types.js";
import { loadData } from "../../learn/data/load.js";
import type { LoadedData } from "../../learn/data/types.js";
import { debug, since } from "../../base/debug.js";
import { noun } from "../../base/noun.js";
import { isFileModel, modelEntry } from "../../engine/models/registry.js";
import { withAliases } from "../../learn/data/ports.js";
import type { DataPlan, ModelPlan } from "../recipe/schema/schema.js";
import type { RunEvent } from "./events.js";

export interface AuditedData extends LoadedData {
  readonly audit: DataAudit;
}

export interface LoadOptions {
  /** Paths in the recipe start here. */
  readonly folder: string;
  /** The model whose inputs read the data: what they are mapped to is found under their own names too. */
  readonly student?: ModelPlan;
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
}

/** Which array of the data each input of a model reads, by the input's name. */
function readsOf(model: ModelPlan): Readonly<Record<string, string>> {
  const entry = modelEntry(model.kind);
  return isFileModel(entry) ? (entry.reads?.(model) ?? {}) : {};
}

/**
 * Loads a recipe's data and looks it over; `onEvent` gets the audit.
 * @param data with every default filled in
 * @throws InputError naming the file or field when the data cannot be used
 */
export async function loadAudited(data: DataPlan, { folder, student, onEvent }: LoadOptions): Promise<AuditedData> {
  const read = await loadData(data, { folder });
  const loaded = { ...read, data: withAliases(read.data, student ? readsOf(student) : {}, "student.inputs") };
  const started = performance.now();
  const audit = auditData(loaded);
  debug("data")?.(`${loaded.data.name}: audited in ${since(started)}, ${noun(audit.findings.length, "finding")}`);
  onEvent?.({ kind: "audit", audit });
  return { ...loaded, audit };
}
