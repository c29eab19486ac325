/**
 * Mean cosine between embeddings of students and of the teacher, on the test sentences:
 * node bench/minilm/cosine.js <folder of files> <student.onnx> ...
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ort from "onnxruntime-node";

const BATCH = 50;
const [folder = "", ...students] = process.argv.slice(2);

/** A two-dimensional array of int64, as NumPy saves it. */
function readIds(name) {
  const bytes = readFileSync(join(folder, name));
  const start = 10 + bytes.readUInt16LE(8);
  const [, rows, columns] = /\((\d+), (\d+)\)/.exec(bytes.toString("latin1", 10, start)) ?? [];
  const data = new BigInt64Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length));
  return { data, rows: Number(rows), columns: Number(columns) };
}

const [ids, mask] = [readIds("test-ids.npy"), readIds("test-mask.npy")];

/** The answers for all sentences, one Float32Array each. @param output absent: the only one */
async function embeddings(file, output) {
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 2 });
  const [first = ""] = session.inputNames;
  const fetched = output ?? session.outputNames[0];
  const found = [];
  for (let row = 0; row < ids.rows; row += BATCH) {
    const count = Math.min(BATCH, ids.rows - row);
    const part = ({ data, columns }) =>
      new ort.Tensor("int64", data.slice(row * columns, (row + count) * columns), [count, columns]);
    const feeds = { [first]: part(ids), ...(session.inputNames.length > 1 ? { attention_mask: part(mask) } : {}) };
    const { data, dims } = (await session.run(feeds, [fetched]))[fetched];
    for (let i = 0; i < count; i++) found.push(data.slice(i * dims[1], (i + 1) * dims[1]));
  }
  return found;
}

const dot = (a, b) => a.reduce((sum, v, i) => sum + v * b[i], 0);
const teacher = await embeddings(join(folder, "teacher.onnx"), "461");
/** The direction that all of the teacher's answers share: what a student that ignores its input can reach. */
const centre = teacher[0].map((_, i) => teacher.reduce((sum, t) => sum + t[i] / Math.sqrt(dot(t, t)), 0));
const rate = (answers) =>
  answers.reduce((sum, s, i) => {
    const t = teacher[i];
    return sum + dot(s, t) / Math.sqrt(dot(s, s) * dot(t, t)) / answers.length;
  }, 0);
console.log(`one answer for all sentences: ${rate(teacher.map(() => centre)).toFixed(4)}`);
for (const file of students) console.log(`${file}: ${rate(await embeddings(file)).toFixed(4)}`);
