/** How every run gets its data: loaded, looked over, and said. */
import { auditData } from "../../learn/data/audit/audit.js";
import type { DataAudit } from "../../learn/data/audit/types.js";
import { loadData } from "../../learn/data/load.js";
import type { LoadedData } from "../../learn/data/types.js";
import { debug, since } from "../../base/debug.js";
import { noun } from "../../base/noun.js";
import type { DataPlan } from "../recipe/schema/schema.js";
import type { RunEvent } from "./events.js";

export interface AuditedData extends LoadedData {
  readonly audit: DataAudit;
}

/**
 * Loads a recipe's data and looks it over; `onEvent` gets the audit.
 * @param data with every default filled in
 * @throws InputError naming the file or field when the data cannot be used
 */
export async function loadAudited(
  data: DataPlan,
  { folder, onEvent }: { readonly folder: string; readonly onEvent?: ((event: RunEvent) => void) | undefined },
): Promise<AuditedData> {
  const loaded = await loadData(data, { folder });
  const started = performance.now();
  const audit = auditData(loaded);
  debug("data")?.(`${loaded.data.name}: audited in ${since(started)}, ${noun(audit.findings.length, "finding")}`);
  onEvent?.({ kind: "audit", audit });
  return { ...loaded, audit };
}
