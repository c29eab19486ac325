"""What every Python runner shares: the prepared workload, the protocol of bench/harness/protocol.ts, peak memory."""

import json
import os
import sys
import time

import numpy as np


class Workload:
    """The files that bench/harness/prepare.ts wrote."""

    def __init__(self, folder):
        self.folder = folder
        self.spec = json.load(open(os.path.join(folder, "workload.json")))
        weights = self.read("weights.f32", np.float32)
        self.parameters = []
        for p in self.spec["parameters"]:
            size = int(np.prod(p["shape"]))
            self.parameters.append((p["name"], weights[p["offset"] : p["offset"] + size].reshape(p["shape"])))
        count = self.spec["sampleCount"]
        self.samples = self.read("samples.f32", np.float32).reshape([count] + self.spec["inputShape"])
        self.labels = self.read("labels.i32", np.int32).astype(np.int64)
        self.teacher = self.read("teacher.f32", np.float32).reshape(count, self.spec["classes"])
        self.batches = self.read("order.i32", np.int32).astype(np.int64).reshape(-1, self.spec["batch"])

    def read(self, name, dtype):
        return np.fromfile(os.path.join(self.folder, name), dtype=dtype)

    @property
    def distils(self):
        return "distillationLoss" in self.spec["objective"]


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def peak_bytes():
    try:
        for line in open("/proc/self/status"):
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def timed(step, batches, seconds, first=0, pace=0.0):
    """Steps for about so many seconds; returns (steps, seconds, last loss)."""
    start = time.perf_counter()
    steps, elapsed, loss = 0, 0.0, float("nan")
    while elapsed < seconds:
        loss = step(batches[(first + steps) % len(batches)])
        steps += 1
        elapsed = time.perf_counter() - start
    return steps, elapsed, float(loss)


def serve(ready, step, batches, compared):
    """Answers the driver. `step(rows)` makes one update and returns its loss."""
    say({"ready": True, **ready})
    done = 0
    for line in sys.stdin:
        request = json.loads(line)
        if request["kind"] == "losses":
            losses = [float(step(batches[i % len(batches)])) for i in range(compared)]
            done = compared
            say({"losses": losses})
        elif request["kind"] == "run":
            steps, seconds, loss = timed(step, batches, request["seconds"], done)
            done += steps
            say({"steps": steps, "seconds": seconds, "loss": loss})
        else:
            break
    say({"peakBytes": peak_bytes()})
