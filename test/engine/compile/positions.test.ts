/** Tables of positions: the longest sequence is the one that ONNX Runtime still answers for, whatever exporter wrote the graph. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { positionTables } from "../../../src/engine/compile/positions.js";
import { inferenceForm } from "../../../src/engine/graph/inference-form.js";
import { tensor } from "../../../src/engine/graph/tensor.js";
import { loadModelFile } from "../../../src/node/model-file.js";
import { openSession } from "../../../src/node/session.js";

const file = (name: string): string => join(process.cwd(), "test", "fixtures", "encoders", `${name}.onnx`);
const tablesOf = (name: string) => positionTables(inferenceForm(loadModelFile(file(name)).model, name).model.graph);

/** Whether the model answers for a record of so many tokens. */
async function answers(name: string, tokens: number): Promise<boolean> {
  const session = await openSession(file(name), { threads: 1 });
  const fill = (value: number) => tensor("int64", Array<number>(tokens).fill(value), [1, tokens]);
  const feeds = Object.fromEntries(
    session.inputs.map((i) => [i.name, fill(i.name === "input_ids" ? 7 : i.name === "attention_mask" ? 1 : 0)]),
  );
  const answered = await session.run(feeds).then(
    () => true,
    () => false,
  );
  await session.dispose();
  return answered;
}

// All tables have 24 rows. RoBERTa and MPNet begin at 2, behind the padding's row.
const LONGEST = { bert: 24, minilm: 24, distilbert: 24, albert: 24, electra: 24, roberta: 22, mpnet: 22 };

for (const exporter of ["torchscript", "dynamo"])
  test(`${exporter}: the longest sequence that a model answers for`, async () => {
    for (const [kind, longest] of Object.entries(LONGEST)) {
      const name = `${kind}-${exporter}`;
      const [table, ...others] = tablesOf(name);
      assert.deepEqual([table?.longest, table?.rows, others.length], [longest, 24, 0], name);
      const padded = longest === 22 ? { input: "input_ids", other: 1 } : null;
      assert.deepEqual(table?.counted, padded, name);
      assert.deepEqual([await answers(name, longest), await answers(name, longest + 1)], [true, false], name);
    }
  });

test("rotary and relative positions have no such table", () => {
  for (const name of ["modernbert-torchscript", "modernbert-dynamo"]) assert.deepEqual(tablesOf(name), [], name);
});
