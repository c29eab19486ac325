/** Label stores that no longer belong to their teacher, or whose answers were changed. */
import { storeOf } from "../../run/teaching/registry.js";
import { teachersOf } from "../../run/recipe/registries.js";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { loadModelFile } from "../../node/model-file.js";
import { outputsHash, readLabelStore } from "../../learn/teacher/store/store.js";
import { orReason } from "./asked.js";
import { type Check, type Finding, fine, skipped } from "./types.js";

const CHECK = "label store";

/** Every label store of the recipe: against the data, against its teacher's file, and against what was once written. */
export const staleStore: Check = ({ plan, folder, loaded: { data } }) => {
  const stores = teachersOf(plan.teacher).flatMap((one) => storeOf(one, folder) ?? []);
  if (stores.length === 0) return [skipped(CHECK, "the recipe does not use a label store")];
  return stores.map((store): Finding => {
    const failed = (found: string, why: string): Finding => ({
      check: CHECK,
      status: "fail",
      found,
      why,
      change: "label the data again with `limbeck label`, and set teacher.label_store to the new folder",
    });
    const unfit = orReason(() => void readLabelStore(store, data, { checkHash: false }));
    if (unfit) return failed(unfit, "its answers do not belong to this data");
    const { header } = readLabelStore(store, null, { checkHash: false });
    if (header.outputsHash !== undefined && header.outputsHash !== outputsHash(store))
      return failed(
        `${store}: the answers have changed since they were written (outputs.bin has a different hash)`,
        "moved, shuffled or damaged rows teach the student the answers to other samples",
      );
    const file = header.teacherFile === undefined ? null : resolve(store, header.teacherFile);
    if (file === null) return fine(CHECK, `${store}: it does not record the path of its teacher ${header.teacher}`);
    if (!existsSync(file))
      return fine(CHECK, `${store}: its teacher is no longer at ${file}, so it could not be compared`);
    const { hash } = loadModelFile(file);
    if (hash === header.teacherHash) return fine(CHECK, `${store}: unchanged, and matches its teacher ${file}`);
    return failed(
      `${store}: its teacher ${file} has changed since (hash ${hash.slice(0, 12)}; the store has ${header.teacherHash.slice(0, 12)})`,
      "the student would learn from a teacher that no longer exists",
    );
  });
};
