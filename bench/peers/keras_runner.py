"""Keras 3's runner of a step workload on TensorFlow: python keras_runner.py <folder> <threads>

The update is one tf.function, as `fit` makes it; batches are gathered from tensors in memory. XLA (jit_compile) and the plain
graph are both tried in a process of its own first, and the faster is taken.
"""

import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np

from common import Workload, serve, timed

TRIAL_SECONDS = 0.6


class Training:
    def __init__(self, workload, threads, xla):
        import keras
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self.version = f"Keras {keras.__version__}, TensorFlow {tf.__version__}"
        spec = workload.spec
        model = build(keras, spec)
        variables = model.trainable_variables
        assert len(variables) == len(workload.parameters), (len(variables), len(workload.parameters))
        for variable, (name, values) in zip(variables, workload.parameters):
            variable.assign(converted(spec, name, values))
        self.parameters = int(sum(np.prod(v.shape) for v in variables))
        samples = workload.samples
        if samples.ndim == 4:
            samples = samples.transpose(0, 2, 3, 1)
        samples, labels = tf.constant(samples), tf.constant(workload.labels.astype(np.int32))
        teacher = tf.constant(workload.teacher)
        optimiser = optimiser_of(keras, spec)
        optimiser.build(variables)

        def step(rows):
            with tf.GradientTape() as tape:
                logits = model(tf.gather(samples, rows), training=True)
                loss = loss_of(tf, spec, logits, tf.gather(labels, rows), tf.gather(teacher, rows))
            optimiser.apply_gradients(zip(tape.gradient(loss, variables), variables))
            return loss

        self.compiled = tf.function(step, jit_compile=xla)
        self.batches = [tf.constant(b.astype(np.int32)) for b in workload.batches]

    def step(self, rows):
        return self.compiled(rows).numpy()


def build(keras, spec):
    model, shape, classes = spec["model"], spec["inputShape"], spec["classes"]
    layers = keras.layers
    if model["kind"] == "mlp":
        hidden = [layers.Dense(units, activation="relu") for units in model["hidden"]]
        return keras.Sequential([keras.Input(tuple(shape)), *hidden, layers.Dense(classes)])
    first, second = {"keras-student": (16, 32), "keras-teacher": (256, 512)}[model["name"]]
    return keras.Sequential(
        [
            keras.Input((shape[1], shape[2], shape[0])),
            layers.Conv2D(first, 3, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.MaxPooling2D(2, strides=1, padding="same"),
            layers.Conv2D(second, 3, strides=2, padding="same"),
            layers.Flatten(),
            layers.Dense(classes),
        ]
    )


def converted(spec, name, values):
    """limbeck's layouts to Keras's: convolutions to [h, w, in, out], dense to [in, out], flattened channels last."""
    if values.ndim == 4:
        return values.transpose(2, 3, 1, 0)
    if values.ndim == 2 and spec["model"]["kind"] == "preset":
        second = {"keras-student": 32, "keras-teacher": 512}[spec["model"]["name"]]
        size = int(round((values.shape[1] // second) ** 0.5))
        return values.reshape(-1, second, size, size).transpose(2, 3, 1, 0).reshape(values.shape[1], -1)
    return values.T if values.ndim == 2 else values


def loss_of(tf, spec, logits, labels, teacher):
    hard = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
    objective = spec["objective"]
    if "distillationLoss" not in objective:
        return hard
    alpha, t = objective["alpha"], float(objective["distillationLoss"]["temperature"])
    soft = tf.nn.log_softmax(teacher / t)
    kl = tf.reduce_mean(tf.reduce_sum(tf.exp(soft) * (soft - tf.nn.log_softmax(logits / t)), 1))
    return (1 - alpha) * hard + alpha * t * t * kl


def optimiser_of(keras, spec):
    rule, lr = spec["rule"], spec["lr"]
    if rule["kind"] == "sgd":
        return keras.optimizers.SGD(lr, momentum=rule["momentum"], nesterov=rule["nesterov"])
    betas = {"beta_1": rule["beta1"], "beta_2": rule["beta2"], "epsilon": rule["epsilon"]}
    if rule["kind"] == "adamw":
        return keras.optimizers.AdamW(lr, weight_decay=rule["weightDecay"], **betas)
    return keras.optimizers.Adam(lr, **betas)


def fastest(workload, threads):
    """Milliseconds with and without XLA, fastest first, found by a child so that this process's memory stays clean."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        found = []
        for xla in (False, True):
            training = Training(workload, threads, xla)
            timed(training.step, training.batches, TRIAL_SECONDS / 3)
            steps, seconds, _ = timed(training.step, training.batches, TRIAL_SECONDS)
            found.append((1000 * seconds / steps, xla))
        os.write(writing, json.dumps(sorted(found)).encode())
        os._exit(0)
    os.close(writing)
    text = b""
    while part := os.read(reading, 65536):
        text += part
    os.waitpid(child, 0)
    return json.loads(text)


def main():
    folder, threads = sys.argv[1], int(sys.argv[2])
    workload = Workload(folder)
    tried = fastest(workload, threads)
    start = time.perf_counter()
    training = Training(workload, threads, tried[0][1])
    name = {True: "XLA", False: "plain graph"}
    others = "; ".join(f"{name[xla]} {ms:.2f} ms" for ms, xla in tried)
    serve(
        {
            "version": training.version,
            "detail": f"{name[tried[0][1]]} (tried: {others})",
            "parameters": training.parameters,
            "openSeconds": time.perf_counter() - start,
        },
        training.step,
        training.batches,
        workload.spec["comparedSteps"],
    )


if __name__ == "__main__":
    main()
