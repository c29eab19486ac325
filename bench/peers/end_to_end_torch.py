"""A distillation as a plain PyTorch script, teacher online or with cached logits:

python end_to_end_torch.py <teacher> <images> <threads> <seed> <epochs> <held out> online | cached
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F

from common import peak_bytes, say
from fashion import load, process_seconds, teacher
from torch_models import build

BATCH, T, ALPHA = 64, 4.0, 0.9
folder, images = sys.argv[1:3]
threads, seed, epochs, held_out = map(int, sys.argv[3:7])
cached = sys.argv[7] == "cached"
torch.set_num_threads(threads)
torch.manual_seed(seed)
layout = torch.channels_last

(x, y), (test_x, test_y) = load(images, held_out)
x, test_x = (torch.from_numpy(v)[:, None].contiguous(memory_format=layout) for v in (x, test_x))
y, test_y = torch.from_numpy(y), torch.from_numpy(test_y)
spec, weights = teacher(folder)
big = build(spec).eval()
with torch.no_grad():
    for target, (name, values) in zip(big.parameters(), weights, strict=True):
        target.copy_(torch.from_numpy(values))
big = big.to(memory_format=layout)
small = build({**spec, "model": {"kind": "preset", "name": "keras-student"}}).to(memory_format=layout)
optimiser = torch.optim.Adam(small.parameters(), 1e-3)


def ask(batch):
    with torch.inference_mode():
        return big(batch).clone()


answers = torch.cat([ask(x[i : i + BATCH]) for i in range(0, len(x), BATCH)]) if cached else None
compared = (answers[:64] if cached else ask(x[:64])).numpy()
labelled = process_seconds()
for epoch in range(epochs):
    order = torch.randperm(len(x))
    for i in range(0, len(x) - BATCH + 1, BATCH):
        rows = order[i : i + BATCH]
        batch = x[rows]
        soft = answers[rows] if cached else ask(batch)
        logits = small(batch)
        kl = F.kl_div(F.log_softmax(logits / T, 1), F.softmax(soft / T, 1), reduction="batchmean")
        loss = (1 - ALPHA) * F.cross_entropy(logits, y[rows]) + ALPHA * T * T * kl
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
trained = process_seconds()
small.eval()
with torch.inference_mode():
    right = sum((small(test_x[i : i + 256]).argmax(1) == test_y[i : i + 256]).sum().item() for i in range(0, len(test_x), 256))
parts = {
    "start and labelling, s": labelled,
    "training, s": trained - labelled,
    "evaluating and writing, s": process_seconds() - trained,
    "test accuracy, %": 100 * right / len(test_x),
}
say(
    {
        "version": f"PyTorch {torch.__version__}",
        "detail": "channels_last",
        "parts": parts,
        "compared": [float(v) for v in np.ravel(compared)],
        "peakBytes": peak_bytes(),
    }
)
