/** Label stores that no longer belong to their teacher, or whose answers were changed: methods.md, pitfall 5. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { loadModelFile } from "../../graph/file.js";
import { outputsHash, readLabelStore } from "../../teacher/store.js";
import { teachersOf } from "../teacher-group.js";
import { orReason } from "./asked.js";
import { type Check, type Finding, fine, skipped } from "./types.js";

const CHECK = "label store";

/** Every label store of the recipe: against the data, against its teacher's file, and against what was once written. */
export const staleStore: Check = ({ recipe, folder, loaded: { data } }) => {
  const stores = teachersOf(recipe.teacher).flatMap((t) =>
    "label_store" in t ? [resolve(folder, t.label_store)] : [],
  );
  if (stores.length === 0) return [skipped(CHECK, "the recipe takes its answers from no label store")];
  return stores.map((store): Finding => {
    const failed = (found: string, why: string): Finding => ({
      check: CHECK,
      status: "fail",
      found,
      why,
      change: "label the data again with `limbeck label`, and give the new folder as teacher.label_store",
    });
    const unfit = orReason(() => void readLabelStore(store, data, { checkHash: false }));
    if (unfit) return failed(unfit, "its answers are not those of a teacher for this data (pitfall 5)");
    const { header } = readLabelStore(store, null, { checkHash: false });
    if (header.outputsHash !== undefined && header.outputsHash !== outputsHash(store))
      return failed(
        `${store}: the answers are not those that were written down (outputs.bin has another hash)`,
        "rows that were moved, shuffled or damaged teach the student answers to other samples (pitfall 5)",
      );
    const file = header.teacherFile === undefined ? null : resolve(store, header.teacherFile);
    if (file === null) return fine(CHECK, `${store}: it does not say where its teacher ${header.teacher} lies`);
    if (!existsSync(file)) return fine(CHECK, `${store}: its teacher is no longer at ${file}, so it was not compared`);
    const { hash } = loadModelFile(file);
    if (hash === header.teacherHash) return fine(CHECK, `${store}: as it was written, by ${file} as it is now`);
    return failed(
      `${store}: its teacher ${file} has changed since (hash ${hash.slice(0, 12)}, the store's is ${header.teacherHash.slice(0, 12)})`,
      "the student would learn from a teacher that is no more",
    );
  });
};
