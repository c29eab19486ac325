"""Fashion-MNIST and a trained teacher, for the end-to-end programs."""

import gzip
import json
import os

import numpy as np


def idx(path):
    with gzip.open(path) as f:
        data = f.read()
    dimensions = data[3]
    shape = np.frombuffer(data, ">i4", dimensions, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def load(folder, held_out):
    """Training images without those held out, their labels, test images and labels; pixels in [0, 1]."""
    read = lambda name: idx(os.path.join(folder, name + "-ubyte.gz"))
    pixels = lambda x: x.astype(np.float32) / 255
    images, labels = pixels(read("train-images-idx3")), read("train-labels-idx1").astype(np.int64)
    count = len(images) - held_out
    test = pixels(read("t10k-images-idx3")), read("t10k-labels-idx1").astype(np.int64)
    return (images[:count], labels[:count]), test


def teacher(folder):
    """Its description and [(name, values)]."""
    spec = json.load(open(os.path.join(folder, "teacher.json")))
    weights = np.fromfile(os.path.join(folder, "weights.f32"), np.float32)
    parameters = []
    for p in spec["parameters"]:
        size = int(np.prod(p["shape"]))
        parameters.append((p["name"], weights[p["offset"] : p["offset"] + size].reshape(p["shape"])))
    return spec, parameters


def process_seconds():
    """Seconds since this process was started."""
    fields = open("/proc/self/stat").read().rsplit(")", 1)[1].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return float(open("/proc/uptime").read().split()[0]) - started
