"""From the start of the process to the first training step of the digits' teacher: python cold_start.py <csv.gz> <threads> torch | keras"""

import gzip
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np

from common import peak_bytes, say
from fashion import process_seconds

path, threads, system = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def digits():
    rows = np.loadtxt(gzip.open(path, "rt"), delimiter=",", dtype=np.float32)
    return rows[:, :64] / 16, rows[:, 64].astype(np.int64)


def with_torch():
    import torch

    loaded = process_seconds()
    torch.set_num_threads(threads)
    x, y = map(torch.from_numpy, digits())
    nn = torch.nn
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
    optimiser = torch.optim.AdamW(model.parameters(), 5e-3)
    loss = nn.functional.cross_entropy(model(x[:32]), y[:32])
    loss.backward()
    optimiser.step()
    return loaded, loss.item(), f"PyTorch {torch.__version__}", "eager"


def with_keras():
    import keras
    import tensorflow as tf

    loaded = process_seconds()
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    x, y = digits()
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((64,)), dense(256, "relu"), dense(256, "relu"), dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.AdamW(5e-3), loss=loss)
    value = model.train_on_batch(x[:32], y[:32])
    return loaded, float(value), f"Keras {keras.__version__}, TensorFlow {tf.__version__}", "train_on_batch"


loaded, loss, version, detail = with_torch() if system == "torch" else with_keras()
seconds = process_seconds()
assert np.isfinite(loss), loss
parts = {"loading code, s": loaded, "steps at first report": 1}
say({"version": version, "detail": detail, "value": seconds, "parts": parts, "peakBytes": peak_bytes()})
