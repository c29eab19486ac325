// jax-js's runner of a dense workload, wasm backend, the whole step under jit: node jax_runner.js <folder>
import { createRequire } from "node:module";
import { defaultDevice, init, jit, nn, numpy as np, valueAndGrad } from "@jax-js/jax";
import { readWorkload, rowsOf, serve } from "./common.js";

const [folder] = process.argv.slice(2);
const start = performance.now();
await init("wasm");
defaultDevice("wasm");
const workload = readWorkload(folder);
const { spec } = workload;
const { rule, lr, objective, classes } = spec;
const layers = workload.parameters.length / 2;

function lossOf(parameters, x, hot, teacher) {
  let y = x;
  for (let layer = 0; layer < layers; layer++) {
    y = np.matmul(y, parameters[2 * layer].transpose()).add(parameters[2 * layer + 1]);
    if (layer + 1 < layers) y = nn.relu(y);
  }
  const hard = hot.mul(nn.logSoftmax(y.ref, 1)).sum().div(-spec.batch);
  if (!objective.distillationLoss) {
    y.dispose();
    teacher.dispose();
    return hard;
  }
  const { alpha } = objective;
  const t = objective.distillationLoss.temperature;
  const soft = nn.logSoftmax(teacher.div(t), 1);
  const kl = np
    .exp(soft.ref)
    .mul(soft.sub(nn.logSoftmax(y.div(t), 1)))
    .sum()
    .div(spec.batch);
  return hard.mul(1 - alpha).add(kl.mul(alpha * t * t));
}

/** [new parameter, new moments...]; `rates`: [1 / (1 - beta1^t), 1 / (1 - beta2^t)]. */
function updated(p, g, moments, rates) {
  if (rule.kind === "sgd") {
    const v = moments[0].mul(rule.momentum).add(g);
    return [p.sub(v.ref.mul(lr)), v];
  }
  const decayed = rule.kind === "adamw" ? p.mul(1 - lr * rule.weightDecay) : p;
  const m = moments[0].mul(rule.beta1).add(g.ref.mul(1 - rule.beta1));
  const v = moments[1].mul(rule.beta2).add(np.square(g).mul(1 - rule.beta2));
  const root = np.sqrt(v.ref.mul(rates[1].ref)).add(rule.epsilon);
  return [decayed.sub(m.ref.mul(rates[0].ref).mul(lr).div(root)), m, v];
}

const train = jit((parameters, moments, x, hot, teacher, rate1, rate2) => {
  const [loss, gradients] = valueAndGrad(lossOf)(
    parameters.map((p) => p.ref),
    x,
    hot,
    teacher,
  );
  const results = parameters.map((p, i) => updated(p, gradients[i], moments[i], [rate1, rate2]));
  rate1.dispose();
  rate2.dispose();
  return [loss, results.map((r) => r[0]), results.map((r) => r.slice(1))];
});

let parameters = workload.parameters.map(({ shape, values }) => np.array(values).reshape(shape));
let moments = workload.parameters.map(({ shape }) =>
  Array.from({ length: rule.kind === "sgd" ? 1 : 2 }, () => np.zeros(shape)),
);
const width = spec.inputShape[0];
let count = 0;

async function step(rows) {
  count++;
  const hot = new Float32Array(rows.length * classes);
  rows.forEach((row, i) => {
    hot[i * classes + workload.labels[row]] = 1;
  });
  const matrix = (values, columns) => np.array(values).reshape([rows.length, columns]);
  const [loss, next, kept] = train(
    parameters,
    moments,
    matrix(rowsOf(workload.samples, width, rows), width),
    matrix(hot, classes),
    matrix(rowsOf(workload.teacher, classes, rows), classes),
    np.array(1 / (1 - (rule.beta1 ?? 0) ** count)),
    np.array(1 / (1 - (rule.beta2 ?? 0) ** count)),
  );
  [parameters, moments] = [next, kept];
  return (await loss.data())[0];
}

const require = createRequire(import.meta.url);
const { version } = JSON.parse(
  require("node:fs").readFileSync(new URL("./node_modules/@jax-js/jax/package.json", import.meta.url), "utf8"),
);
await serve(
  {
    version: `jax-js ${version}`,
    detail: "wasm backend in Node, whole step under jit",
    parameters: spec.parameterCount,
    openSeconds: (performance.now() - start) / 1000,
  },
  step,
  workload,
);
