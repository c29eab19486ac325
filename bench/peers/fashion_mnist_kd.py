"""PyTorch from limbeck's own label store: does another framework reach the same student?

Reads the teacher's answers that a finished run of recipes/fashion-mnist-full.yaml left in its label store and trains the
784-30-30-10 student on them with PyTorch, with the recipe's budget (58,000 images, ten epochs, batch 128, AdamW 2e-3,
one-cycle). The held-out 2,000 images are drawn here, so single seeds differ; means over seeds should not.

    pip install torch numpy
    python bench/peers/fashion_mnist_kd.py runs/fashion-mnist-full /usr/share/datasets/fashion-mnist
"""

import glob
import gzip
import json
import os
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

run, images = sys.argv[1:3]
folder = os.path.dirname(glob.glob(os.path.join(run, "label-stores", "*", "store.json"))[0])
store = json.load(open(os.path.join(folder, "store.json")))
assert store["kind"] == "logits" and store["samples"] == 70000, store
precision = np.float32 if store["precision"] == "float32" else np.float16
answers = np.fromfile(os.path.join(folder, "outputs.bin"), dtype=precision).reshape(70000, 10).astype(np.float32)


def idx(name):
    path = os.path.join(images, name)
    raw = open(path, "rb").read() if os.path.exists(path) else gzip.open(path + ".gz").read()
    sizes = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(raw[3])]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(sizes)


def split(kind):
    pixels = idx(f"{kind}-images-idx3-ubyte").reshape(-1, 784) / 255.0
    labels = idx(f"{kind}-labels-idx1-ubyte").astype(np.int64)
    return torch.tensor(pixels, dtype=torch.float32), torch.tensor(labels)


X, Y = split("train")
XT, YT = split("t10k")
Z = torch.tensor(answers[:60000])
assert abs((answers[60000:].argmax(1) == YT.numpy()).mean() - 0.93) < 0.02, "rows are not in the data set's order"

for temperature, alpha in ((4, 0.9), (2, 0.5)):
    scores = []
    for seed in range(3):
        torch.manual_seed(seed)
        train = torch.randperm(60000)[:58000]
        model = nn.Sequential(nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 30), nn.ReLU(), nn.Linear(30, 10))
        optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=1e-4)
        epochs, steps = 10, 58000 // 128
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=epochs * steps, pct_start=0.2)
        for _ in range(epochs):
            order = train[torch.randperm(58000)]
            for step in range(steps):
                rows = order[step * 128 : (step + 1) * 128]
                logits = model(X[rows])
                soft = F.kl_div(
                    F.log_softmax(logits / temperature, 1), F.softmax(Z[rows] / temperature, 1), reduction="batchmean"
                )
                loss = (1 - alpha) * F.cross_entropy(logits, Y[rows]) + alpha * temperature**2 * soft
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
        scores.append((model(XT).argmax(1) == YT).float().mean().item())
    print(f"T {temperature} alpha {alpha}: " + ", ".join(f"{100 * s:.2f}" for s in scores))
