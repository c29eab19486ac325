"""One epoch over synthetic samples in memory: python epoch_torch.py <samples> <threads>"""

import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from common import peak_bytes, say

FEATURES, CLASSES, BATCH, T, ALPHA = 32, 10, 512, 4.0, 0.9
count, threads = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(7)
start = time.perf_counter()
x, teacher = torch.randn(count, FEATURES), torch.randn(count, CLASSES)
y = torch.arange(count) % CLASSES
model = nn.Sequential(nn.Linear(FEATURES, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, CLASSES))
optimiser = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
began = time.perf_counter()
order = torch.randperm(count)
steps = count // BATCH
for i in range(steps):
    rows = order[i * BATCH : (i + 1) * BATCH]
    logits = model(x[rows])
    kl = F.kl_div(F.log_softmax(logits / T, 1), F.softmax(teacher[rows] / T, 1), reduction="batchmean")
    loss = (1 - ALPHA) * F.cross_entropy(logits, y[rows]) + ALPHA * T * T * kl
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
    loss.item()
parts = {"preparing, s": began - start, "steps": steps}
say(
    {
        "version": f"PyTorch {torch.__version__}",
        "detail": "fused Adam",
        "value": time.perf_counter() - began,
        "parts": parts,
        "peakBytes": peak_bytes(),
    }
)
