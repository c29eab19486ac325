"""Python's runners of labelling: python label_runner.py <folder> <threads> torch [--channels-last] | keras

A teacher in evaluation mode answers the samples in order; a step is one call with one batch.
"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import json

import numpy as np

from common import Workload, peak_bytes, say


def torch_labeller(workload, threads, channels_last):
    import torch
    from torch_models import build, packed, parameters_of

    torch.set_num_threads(threads)
    spec = workload.spec
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = build(spec).eval()
    with torch.no_grad():
        for target, (name, values) in zip(parameters_of(model), packed(workload.parameters), strict=True):
            assert tuple(target.shape) == values.shape, (name, target.shape, values.shape)
            target.copy_(torch.from_numpy(values))
    model = model.to(memory_format=layout)
    samples = torch.from_numpy(workload.samples).contiguous(memory_format=layout)
    batch = spec["batch"]
    answers = torch.empty(len(samples), spec["classes"])

    def once():
        with torch.inference_mode():
            for at in range(0, len(samples), batch):
                answers[at : at + batch] = model(samples[at : at + batch])
        return answers.numpy()

    detail = "eval, inference_mode, " + ("channels_last" if channels_last else "contiguous")
    return once, f"PyTorch {torch.__version__}", detail, sum(p.numel() for p in model.parameters())


def keras_labeller(workload, threads):
    import keras
    import tensorflow as tf
    from keras_models import model_with

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    spec = workload.spec
    model = model_with(keras, spec, workload.parameters)
    samples = workload.samples.transpose(0, 2, 3, 1).copy()

    batch = spec["batch"]
    call = tf.function(lambda x: model(x, training=False))
    answers = np.empty((len(samples), spec["classes"]), np.float32)

    def predict():
        return model.predict(samples, batch_size=batch, verbose=0)

    def function():
        for at in range(0, len(samples), batch):
            answers[at : at + batch] = call(samples[at : at + batch]).numpy()
        return answers

    # A call of `predict` has a price of its own, tenths of a second; a tf.function has none.
    forms = {"predict": predict, "tf.function": function}
    taken = {name: seconds_of(once) for name, once in forms.items()}
    best = min(taken, key=taken.get)
    tried = "; ".join(f"{name} {len(samples) / s:.0f} samples/s" for name, s in taken.items())
    count = int(sum(np.prod(v.shape) for v in model.trainable_variables))
    return forms[best], f"Keras {keras.__version__}, TensorFlow {tf.__version__}", f"{best} (tried: {tried})", count


def seconds_of(once):
    """Of a second pass: the first one traces the graph."""
    once()
    start = time.perf_counter()
    once()
    return time.perf_counter() - start


def main():
    workload = Workload(sys.argv[1])
    threads = int(sys.argv[2])
    start = time.perf_counter()
    if sys.argv[3] == "torch":
        once, version, detail, parameters = torch_labeller(workload, threads, "--channels-last" in sys.argv)
    else:
        once, version, detail, parameters = keras_labeller(workload, threads)
    say(
        {
            "ready": True,
            "version": version,
            "detail": detail,
            "parameters": parameters,
            "openSeconds": time.perf_counter() - start,
        }
    )
    batch = workload.spec["batch"]
    for line in sys.stdin:
        request = json.loads(line)
        if request["kind"] == "losses":
            say({"losses": [float(v) for v in once()[:batch].ravel()]})
        elif request["kind"] == "run":
            began, steps, elapsed = time.perf_counter(), 0, 0.0
            while elapsed < request["seconds"]:
                answers = once()
                steps += len(workload.samples) // batch
                elapsed = time.perf_counter() - began
            say({"steps": steps, "seconds": elapsed, "loss": float(answers[0, 0])})
        else:
            break
    say({"peakBytes": peak_bytes()})


if __name__ == "__main__":
    main()
