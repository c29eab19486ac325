"""
The student of recipe.yaml in PyTorch: limbeck's start weights, the same optimiser, schedule, batch and steps, the teacher's
answers from limbeck's label store. Prints the mean cosine with the teacher on the test sentences, once for limbeck's own
student (a check of this file: it must be the value of cosine.js) and once for PyTorch's.

    python bench/minilm/peer.py <files> <label store> <start's trained.safetensors> <student's trained.safetensors>

The start: `limbeck distill bench/minilm/recipe.yaml --set training.epochs=1 --set training.schedule.lr=1e-12`.
Used with torch 2.15.0, numpy 2.4.6 and safetensors 0.8.0.
"""
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

DIM, DEPTH, HEADS, VOCABULARY, LENGTH, WIDTH = 128, 2, 4, 30522, 32, 384
TRAIN, BATCH, EPOCHS, RATE = 4250, 50, 10, 1e-3


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.attention = nn.ModuleDict({name: nn.Linear(DIM, DIM) for name in ("query", "key", "value", "output")})
        self.mlp = nn.ModuleDict({"hidden": nn.Linear(DIM, 4 * DIM), "output": nn.Linear(4 * DIM, DIM)})

    def forward(self, x, kept):
        y = self.norm1(x)
        q, k, v = (
            self.attention[n](y).unflatten(-1, (HEADS, -1)).transpose(1, 2) for n in ("query", "key", "value")
        )
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=kept[:, None, None, :])
        x = x + self.attention["output"](mixed.transpose(1, 2).flatten(2))
        return x + self.mlp["output"](F.gelu(self.mlp["hidden"](self.norm2(x))))


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, DIM)
        self.positions = nn.Parameter(torch.zeros(LENGTH, DIM))
        self.layers = nn.ModuleList([Layer() for _ in range(DEPTH)])
        self.norm, self.classifier = nn.LayerNorm(DIM), nn.Linear(DIM, WIDTH)

    def forward(self, ids):
        kept = ids != 0
        x = self.embedding(ids) + self.positions
        for layer in self.layers:
            x = layer(x, kept)
        weights = kept.unsqueeze(-1).float()
        return self.classifier((self.norm(x) * weights).sum(1) / weights.sum(1))


def limbeck_name(name: str) -> str:
    parts = name.split(".")
    if parts[0] == "layers":
        parts[:2] = [f"layer{int(parts[1]) + 1}"]
    if parts[-2:-1] and "norm" in parts[-2] and parts[-1] == "weight":
        parts[-1] = "scale"
    return "/".join(parts)


def load(file: str) -> Student:
    student, found = Student(), load_file(file)
    with torch.no_grad():
        for name, parameter in student.named_parameters():
            parameter.copy_(found[limbeck_name(name)].view(parameter.shape))
    return student


@torch.no_grad()
def cosine(student: Student, ids: torch.Tensor, answers: torch.Tensor) -> float:
    return torch.cat([F.cosine_similarity(student(i), a) for i, a in zip(ids.split(250), answers.split(250))]).mean().item()


def main() -> None:
    files, store, start, trained = sys.argv[1:5]
    torch.set_num_threads(2)
    ids, test = (torch.from_numpy(np.load(Path(files) / f"{p}ids.npy")) for p in ("", "test-"))
    answers = torch.from_numpy(np.fromfile(Path(store) / "outputs.bin", np.float32).reshape(-1, WIDTH))
    held = answers[len(ids) :]
    print(f"limbeck's student in PyTorch: {cosine(load(trained), test, held):.4f}", flush=True)
    student = load(start)
    print(f"start: {cosine(student, test, held):.4f}", flush=True)
    optimizer = torch.optim.AdamW(student.parameters(), RATE, weight_decay=1e-4)
    steps = EPOCHS * (TRAIN // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: 0.5 * (1 + math.cos(math.pi * s / steps)))
    torch.manual_seed(0)
    chosen = torch.randperm(len(ids))[:TRAIN]
    began = time.time()
    for epoch in range(EPOCHS):
        for rows in chosen[torch.randperm(TRAIN)].split(BATCH):
            loss = (1 - F.cosine_similarity(student(ids[rows]), answers[rows])).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1}: {cosine(student, test, held):.4f}, {time.time() - began:.0f} s", flush=True)


main()
