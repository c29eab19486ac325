/** A recipe's ONNX teacher, for the data. */
import { resolve } from "node:path";
import type { LoadedData } from "../../learn/data/types.js";
import type { ClassifierOptions } from "../../learn/teacher/classifier.js";
import { classifierOptions } from "./classifier-options.js";
import type { FileTeacherPlan } from "./kinds/file-schema.js";

/** Path of a recipe's ONNX teacher. @param n number of the seed, from 1: what {n} in the file's name stands for */
export const onnxTeacherFile = ({ file }: Pick<FileTeacherPlan, "file">, folder: string, n = 1): string =>
  resolve(folder, file.replaceAll("{n}", String(n)));

/**
 * What a recipe's ONNX teacher means for this data.
 * @param n number of the seed, from 1: what {n} in the file's name stands for
 */
export function onnxTeacherOptions(
  teacher: FileTeacherPlan,
  loaded: LoadedData,
  folder: string,
  n = 1,
): ClassifierOptions & { readonly path: string } {
  return { path: onnxTeacherFile(teacher, folder, n), ...classifierOptions(teacher, loaded) };
}
