// A training in TensorFlow.js, in Node and in a page: dense networks and the pair of Keras's tutorial.

/** Copies rows of a row-major array into a new one. */
export function rowsOf(values, width, rows) {
  const out = new values.constructor(rows.length * width);
  rows.forEach((row, i) => {
    out.set(values.subarray(row * width, (row + 1) * width), i * width);
  });
  return out;
}

/**
 * `step(rows)` makes one update and resolves to its loss.
 * @param workload spec, parameters, samples, labels and teacher as common.js reads them
 */
export function trainingStep(tf, { spec, parameters, samples, labels, teacher }) {
  const { rule, lr, classes } = spec;
  if (rule.kind === "adamw") throw new Error("TensorFlow.js has no AdamW");
  const images = spec.inputShape.length === 3;
  const weights = parameters.map((p) => tf.variable(converted(tf, p, spec)));
  const optimiser =
    rule.kind === "sgd"
      ? tf.train.momentum(lr, rule.momentum)
      : tf.train.adam(lr, rule.beta1, rule.beta2, rule.epsilon);
  const forward = images ? tutorial : dense;
  const width = spec.inputShape.reduce((a, b) => a * b, 1);
  return async (rows) => {
    const loss = tf.tidy(() => {
      const flat = tf.tensor2d(rowsOf(samples, width, rows), [rows.length, width]);
      const x = images ? tf.transpose(tf.reshape(flat, [rows.length, ...spec.inputShape]), [0, 2, 3, 1]) : flat;
      const y = tf.tensor1d(rowsOf(labels, 1, rows), "int32");
      const soft = tf.tensor2d(rowsOf(teacher, classes, rows), [rows.length, classes]);
      return optimiser.minimize(() => lossOf(tf, spec, forward(tf, x, weights), y, soft), true, weights);
    });
    const [value] = await loss.data();
    loss.dispose();
    return value;
  };
}

/** limbeck's layouts to TensorFlow's: convolutions to [h, w, in, out], dense to [in, out], flattened channels last. */
function converted(tf, { shape, values }, { model }) {
  const given = tf.tensor(values, shape);
  if (shape.length === 4) return tf.transpose(given, [2, 3, 1, 0]);
  if (shape.length !== 2) return given;
  if (model.kind !== "preset") return tf.transpose(given);
  const second = { "keras-student": 32, "keras-teacher": 512 }[model.name];
  const size = Math.round(Math.sqrt(shape[1] / second));
  return tf.reshape(tf.transpose(tf.reshape(given, [-1, second, size, size]), [2, 3, 1, 0]), [shape[1], -1]);
}

function dense(tf, x, weights) {
  let y = x;
  for (let layer = 0; layer < weights.length; layer += 2) {
    y = tf.add(tf.matMul(y, weights[layer]), weights[layer + 1]);
    if (layer + 2 < weights.length) y = tf.relu(y);
  }
  return y;
}

function tutorial(tf, x, [w1, b1, w2, b2, w3, b3]) {
  const first = tf.leakyRelu(tf.add(tf.conv2d(x, w1, 2, "same"), b1), 0.2);
  const second = tf.add(tf.conv2d(tf.maxPool(first, 2, 1, "same"), w2, 2, "same"), b2);
  return tf.add(tf.matMul(tf.reshape(second, [x.shape[0], -1]), w3), b3);
}

function lossOf(tf, { objective, classes }, logits, labels, teacher) {
  const hard = tf.neg(tf.mean(tf.sum(tf.mul(tf.oneHot(labels, classes), tf.logSoftmax(logits)), 1)));
  if (!objective.distillationLoss) return hard;
  const { alpha } = objective;
  const t = objective.distillationLoss.temperature;
  const soft = tf.logSoftmax(tf.div(teacher, t));
  const kl = tf.mean(tf.sum(tf.mul(tf.exp(soft), tf.sub(soft, tf.logSoftmax(tf.div(logits, t)))), 1));
  return tf.add(tf.mul(hard, 1 - alpha), tf.mul(kl, alpha * t * t));
}
