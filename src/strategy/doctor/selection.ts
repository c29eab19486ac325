/** Selection on samples that are also used for testing. */
import { createHash } from "node:crypto";
import { samplePieces } from "../../data/read.js";
import type { DataSet } from "../../data/types.js";
import { type Check, type Finding, fine } from "./types.js";

/** Share of the test part that may occur elsewhere too before it is more than an oddity of the data. */
const TOLERATED = 0.01;

/** Whether epochs are chosen on samples of their own, and no test sample is among those seen before. */
export const selection: Check = ({ loaded: { data, splits } }) => {
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
  const known = new Set([...keysOf(data, splits.train), ...keysOf(data, splits.validation)]);
  let seen = 0;
  for (const key of keysOf(data, splits.test)) seen += Number(known.has(key));
  const found = `${seen} of ${splits.test.length} test samples are also in the training or validation part`;
  const share = seen / Math.max(1, splits.test.length);
  if (share === 0) findings.push(fine(check, found));
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

function* keysOf(data: DataSet, indices: Uint32Array): Generator<string> {
  const size = data.sampleShape.reduce((a, b) => a * b, 1);
  for (const { samples } of samplePieces(data, indices))
    for (let at = 0; at < samples.length; at += size) {
      const part = samples.subarray(at, at + size);
      yield createHash("sha256")
        .update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
        .digest("base64");
    }
}
