/** Selection on samples that are also used for testing. */
import { type Check, type Finding, fine } from "./types.js";

/** Share of the test part that may occur elsewhere too before it is more than an oddity of the data. */
const TOLERATED = 0.01;

/** The audit's finding of them. */
export const DUPLICATES = "duplicates-between-parts";

/** Whether epochs are chosen on samples of their own, and no test sample is among those seen before. */
export const selection: Check = ({ loaded: { splits, audit } }) => {
  const check = "selection";
  const findings: Finding[] = [];
  if (splits.validation.length === 0)
    findings.push({
      check,
      status: "warn",
      found: "the data has no validation samples",
      why: "only the training loss can select the epoch; using the test part would bias the result",
      change: "--set data.split.validation=0.1",
    });
  const { test: seen, compared } = audit.duplicates;
  const found = `${seen} of ${compared.test} test samples are also in the training or validation part`;
  const share = seen / Math.max(1, compared.test);
  // Rows of a table can be equal by chance: the audit says when there are more than that.
  if (share === 0 || !audit.findings.some((f) => f.code === DUPLICATES && f.level === "warning"))
    findings.push(fine(check, found));
  else
    findings.push({
      check,
      status: share > TOLERATED ? "fail" : "warn",
      found,
      why: "test samples that were used for training or selection make the result better than the model",
      change: "remove the duplicates, or use different files for the test part",
    });
  return findings;
};
