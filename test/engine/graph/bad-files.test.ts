/** What is given in place of a model: each gets an error with the file, what was found and what to do. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync, zipSync } from "fflate";
import { faultOf } from "../../../src/base/errors.js";
import {
  distill,
  evaluateModel,
  InputError,
  loadData,
  loadModelFile,
  openOnnxTeacher,
  type RecipeInput,
  saveModelFile,
} from "../../../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-bad-models-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const whole = readFileSync("test/fixtures/graph/linear.onnx");
const digits = await loadData({ source: "digits" });
const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";

function refused(e: unknown, code: string, where: string, found: RegExp): true {
  assert.ok(e instanceof InputError, String(e));
  assert.deepEqual([e.code, e.where], [code, where], e.message);
  assert.match(e.found, found);
  assert.ok(e.cure, e.message);
  return true;
}

const text = (s: string): Uint8Array => Buffer.from(s, "latin1");
const files: readonly [name: string, bytes: Uint8Array, code: string, found: RegExp][] = [
  ["empty", text(""), "file-damaged", /empty/],
  ["truncated", whole.subarray(0, whole.length >> 1), "file-damaged", /\d+ bytes cannot be decoded/],
  ["lfs-pointer", text(pointer), "file-type", /Git LFS pointer/],
  ["page", text("<!DOCTYPE html><html><body>404 Not Found</body></html>"), "file-type", /HTML/],
  ["checkpoint.pt", zipSync({ "archive/data.pkl": text("x") }), "file-type", /zip archive/],
  ["tflite", text("\x1c\0\0\0TFL3\x14\0\x20\0"), "file-type", /TensorFlow Lite/],
  ["keras", text("\x89HDF\r\n\x1a\n\0\0"), "file-type", /HDF5/],
  ["safetensors", text('\x40\0\0\0\0\0\0\0{"w":{"dtype":"F32"}}'), "file-type", /safetensors/],
  ["pickle", text("\x80\x04\x95\x1b\0\0\0\0\0\0\0\x8c\x07sklearn"), "file-type", /pickle/],
  ["compressed", gzipSync(whole), "file-type", /gzip/],
  ["ort", text("\x18\0\0\0ORTM\0\0\0\0"), "file-type", /\.ort/],
  ["array", text("\x93NUMPY\x01\0v\0{'descr': '<f4'}"), "file-type", /NumPy/],
  ["gguf", text("GGUF\x03\0\0\0"), "file-type", /GGUF/],
  ["photo", text("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "file-type", /image/],
  ["words", text("not a model at all"), "file-type", /text file/],
];
for (const [name, bytes, code, found] of files) {
  test(`${name}.onnx`, async () => {
    const path = at(`${name}.onnx`);
    writeFileSync(path, bytes);
    assert.throws(
      () => loadModelFile(path),
      (e) => refused(e, code, path, found),
    );
    // The doors of a teacher, of a student and of evaluate are the same.
    await assert.rejects(evaluateModel(path, digits), (e) => refused(e, code, path, found));
    const recipe = (more: Partial<RecipeInput>): RecipeInput => ({
      data: { source: "digits" },
      teacher: { file: path },
      student: { kind: "mlp", hidden: [4] },
      training: { steps: 1 },
      ...more,
    });
    const out = at(`run-${name}`);
    await assert.rejects(distill(recipe({}), { out }), (e) => refused(e, code, path, found));
    const student = { kind: "onnx", file: path } as const;
    const teacher = { model: { kind: "mlp", hidden: [4] }, training: { steps: 1 } } as const;
    await assert.rejects(distill(recipe({ student, teacher }), { out }), (e) => refused(e, code, path, found));
  });
}

test("no file, a broken link, a folder", () => {
  assert.throws(
    () => loadModelFile(at("nothing.onnx")),
    (e) => refused(e, "file-missing", at("nothing.onnx"), /no such file/),
  );
  symlinkSync(at("gone.onnx"), at("link.onnx"));
  assert.throws(
    () => loadModelFile(at("link.onnx")),
    (e) => refused(e, "file-missing", at("link.onnx"), /a link to .*gone\.onnx/),
  );
  mkdirSync(at("folder.onnx"));
  assert.throws(
    () => loadModelFile(at("folder.onnx")),
    (e) => refused(e, "file-is-folder", at("folder.onnx"), /folder/),
  );
  writeFileSync(at("real.onnx"), whole);
  symlinkSync(at("real.onnx"), at("good-link.onnx"));
  assert.deepEqual(loadModelFile(at("good-link.onnx")).hash, loadModelFile(at("real.onnx")).hash);
});

test("cut off anywhere, a file is refused or still a whole graph", () => {
  const path = at("cut.onnx");
  const { graph } = loadModelFile("test/fixtures/graph/linear.onnx").model;
  let refusals = 0;
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(path, whole.subarray(0, length));
    try {
      // Behind graph and opset there are only notes.
      assert.deepEqual(loadModelFile(path).model.graph, graph, `${length} bytes`);
    } catch (error) {
      const fault = faultOf(error);
      assert.ok(error instanceof InputError, `${length} bytes: ${String(error)}`);
      assert.ok(fault?.code === "file-damaged" || fault?.code === "file-type", fault?.code);
      assert.equal(fault.where, path);
      refusals++;
    }
  }
  assert.ok(refusals > whole.length - 60, `${refusals} of ${whole.length}`);
});

test("external data: missing, cut off, a pointer, a folder", () => {
  const inside = at("external");
  mkdirSync(inside);
  copyFileSync("test/fixtures/graph/external.onnx", join(inside, "m.onnx"));
  const path = join(inside, "m.onnx");
  const data = join(inside, "external.bin");
  const fails = (code: string, found: RegExp): void =>
    assert.throws(
      () => loadModelFile(path),
      (e) => refused(e, code, path, found),
    );
  fails("file-missing", /external\.bin" is missing/);
  writeFileSync(data, pointer);
  fails("file-type", /external\.bin" is a Git LFS pointer/);
  writeFileSync(data, readFileSync("test/fixtures/graph/external.bin").subarray(0, 3));
  fails("file-damaged", /external\.bin" has 3 bytes/);
  rmSync(data);
  mkdirSync(data);
  fails("file-is-folder", /external\.bin" is not a file/);
});

test("a model that ONNX Runtime refuses is wrong input", async () => {
  const { model } = loadModelFile("test/fixtures/teacher/plain.onnx");
  const nodes = model.graph.nodes.map((n) => (n.op === "Gemm" ? { ...n, op: "Gemmm" } : n));
  const path = at("unknown-op.onnx");
  await saveModelFile({ ...model, graph: { ...model.graph, nodes } }, path);
  const options = { outputs: "auto", layout: "auto", resize: "auto", batch: 8, allowChance: true, threads: 1 } as const;
  const { data, splits, normalisation } = digits;
  await assert.rejects(openOnnxTeacher(path, data, splits.train, { ...options, normalisation }), (e) =>
    refused(e, "model-invalid", path, /Gemmm/),
  );
});
