"""PyTorch's runner of a step workload: python torch_runner.py <folder> <threads> [--channels-last] [--compile]

A well written training script: gradients set to none, data set in memory, loss read every step (limbeck's log has it too),
the fused or the plain optimiser, whichever a short trial in a process of its own finds faster.
"""

import json
import os
import sys
import time

from common import Workload, serve, timed

TRIAL_SECONDS = 0.6


class Training:
    """Model, optimiser and data in one of the forms."""

    def __init__(self, workload, threads, form):
        import torch

        self.torch = torch
        torch.set_num_threads(threads)
        from torch_models import build, packed, parameters_of

        spec = workload.spec
        layout = torch.channels_last if form["channels_last"] else torch.contiguous_format
        model = build(spec)
        parameters, initial = parameters_of(model), packed(workload.parameters)
        assert len(parameters) == len(initial), (len(parameters), len(initial))
        with torch.no_grad():
            for target, (name, values) in zip(parameters, initial):
                assert tuple(target.shape) == values.shape, (name, target.shape, values.shape)
                target.copy_(torch.from_numpy(values))
        images = len(spec["inputShape"]) == 3
        self.model = model.to(memory_format=layout) if images else model
        self.samples = torch.from_numpy(workload.samples)
        if images:
            self.samples = self.samples.contiguous(memory_format=layout)
        if spec["samples"]["kind"] == "tokens":
            self.samples = self.samples.long()
        self.labels = torch.from_numpy(workload.labels)
        self.teacher = torch.from_numpy(workload.teacher)
        self.batches = torch.from_numpy(workload.batches)
        self.parameters = sum(p.numel() for p in parameters)
        self.optimiser = optimiser(torch, spec, self.model.parameters(), form["fused"])
        self.forward = loss_function(torch, spec, self.model)
        if form["compile"]:
            self.forward = torch.compile(self.forward)

    def step(self, rows):
        loss = self.forward(self.samples[rows], self.labels[rows], self.teacher[rows])
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return loss.item()


def loss_function(torch, spec, model):
    F = torch.nn.functional
    objective = spec["objective"]
    if "distillationLoss" not in objective:
        return lambda x, labels, teacher: F.cross_entropy(model(x), labels)
    alpha, t = objective["alpha"], objective["distillationLoss"]["temperature"]

    def loss(x, labels, teacher):
        logits = model(x)
        soft = F.kl_div(F.log_softmax(logits / t, 1), F.softmax(teacher / t, 1), reduction="batchmean")
        return (1 - alpha) * F.cross_entropy(logits, labels) + alpha * t * t * soft

    return loss


def optimiser(torch, spec, parameters, fused):
    rule, lr = spec["rule"], spec["lr"]
    if rule["kind"] == "sgd":
        return torch.optim.SGD(
            parameters, lr, momentum=rule["momentum"], weight_decay=rule["weightDecay"], nesterov=rule["nesterov"], fused=fused
        )
    kind = torch.optim.AdamW if rule["kind"] == "adamw" else torch.optim.Adam
    return kind(
        parameters,
        lr,
        betas=(rule["beta1"], rule["beta2"]),
        eps=rule["epsilon"],
        weight_decay=rule["weightDecay"],
        fused=fused,
    )


def describe(form):
    parts = ["channels_last" if form["channels_last"] else "contiguous", "fused" if form["fused"] else "foreach"]
    return ", ".join(parts + (["torch.compile"] if form["compile"] else []))


def fastest(workload, threads, layout):
    """Both optimisers' milliseconds, fastest first, found by a child so that this process's memory stays clean."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        found = []
        for fused in (True, False):
            form = {**layout, "fused": fused, "compile": False}
            training = Training(workload, threads, form)
            timed(training.step, training.batches, TRIAL_SECONDS / 3)
            steps, seconds, _ = timed(training.step, training.batches, TRIAL_SECONDS)
            found.append((1000 * seconds / steps, form))
        os.write(writing, json.dumps(sorted(found, key=lambda f: f[0])).encode())
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
    layout = {"channels_last": "--channels-last" in sys.argv}
    tried = fastest(workload, threads, layout)
    form = {**tried[0][1], "compile": "--compile" in sys.argv}
    start = time.perf_counter()
    training = Training(workload, threads, form)
    seconds = time.perf_counter() - start
    others = "; ".join(f"{describe(f)} {ms:.2f} ms" for ms, f in tried)
    serve(
        {
            "version": f"PyTorch {training.torch.__version__}",
            "detail": f"{describe(form)} (tried: {others})",
            "parameters": training.parameters,
            "openSeconds": seconds,
        },
        training.step,
        training.batches,
        workload.spec["comparedSteps"],
    )


if __name__ == "__main__":
    main()
