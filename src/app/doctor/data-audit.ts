/** What the data audit found: the same rules as before every run. */
import { dataLine } from "../../learn/report/audit-text.js";
import { DUPLICATES } from "./selection.js";
import { type Check, type Finding, fine } from "./types.js";

const CHECK = "data";

/** Every finding of the audit; what the reader did on purpose asks for nothing. */
export const dataAudit: Check = ({ loaded: { audit } }) => {
  // Samples in two parts are the next check's, as soon as the test part is concerned.
  const findings = audit.findings
    .filter(({ code, level }) => code !== DUPLICATES || level === "note" || audit.duplicates.test === 0)
    .map(
      ({ level, text, cure = "" }): Finding => ({
        check: CHECK,
        status: level === "warning" ? "warn" : "ok",
        found: text,
        why: "",
        change: level === "warning" ? cure : "",
      }),
    );
  return findings.length > 0 ? findings : [fine(CHECK, dataLine(audit))];
};
