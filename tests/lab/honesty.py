"""How often an A/B of the real host engine is right: equal settings, and 5 % planted in one stage.

Run it on a quiet machine from the root of the repository:

    python -m tests.lab.honesty                 # a small network of our own, 20 runs of each kind
    python -m tests.lab.honesty --model demo    # the demo model: hours

A and B differ by a switch that does nothing on a CPU; under B the planted stage works on for that
share of the time that it took. A run with equal settings is right if no effect is named; one with a
slower stage, if that stage is named, and no other one.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from rfviewer.config import EngineConfig, View
from rfviewer.engine.backends.onnxruntime import OrtBackend
from rfviewer.engine.host_engine import HostEngine
from rfviewer.engine.stages import HostStage, infer, postprocess, preprocess
from rfviewer.experiment import AbRequest
from rfviewer.frame import Frame
from rfviewer.lab.ab import LIMIT_S, measure_ab
from rfviewer.lab.stand import Stand
from rfviewer.models.demo import demo_spec
from rfviewer.models.spec import ModelSpec
from rfviewer.optimizations import Optimizations
from rfviewer.paths import resource
from rfviewer.pipeline.threads import start_thread
from rfviewer.timing import Stage
from tests.engine.tiny_onnx import write_tiny_onnx
from tests.lab.rightness import is_right

A = Optimizations(depth=1)
B = A.set("cuda_graph", "off")
"""Makes no difference on a CPU but for what is planted."""
WORKS = {Stage.PREPROCESS: preprocess, Stage.INFER: infer, Stage.POSTPROCESS: postprocess}
KINDS = (None, *WORKS)
"""What is slower under B; None for equal settings."""
SHARE = 0.05
QUERIES, CLASSES, MASK_WH, INPUT_WH = 120, 20, (96, 96), (312, 312)


class PlantedEngine(HostEngine):
    """A host engine with a stage that takes longer under B."""

    def __init__(self, spec, config, planted, share):
        self.slow = False
        super().__init__(
            OrtBackend(spec, config, lambda step: None),
            spec,
            config,
            A,
            backend_reason="asked for by name",
            start_thread=start_thread,
        )
        self._stages = tuple(
            HostStage(stage, self._slower(work, share) if stage is planted else work)
            for stage, work in WORKS.items()
        )

    def configure(self, optimizations):
        super().configure(optimizations)
        self.slow = optimizations.cuda_graph != A.cuda_graph

    def _slower(self, work, share):
        def run(slot):
            begun_ns = time.perf_counter_ns()
            work(slot)
            if self.slow:
                until_ns = begun_ns + (time.perf_counter_ns() - begun_ns) * (1 + share)
                while time.perf_counter_ns() < until_ns:
                    pass

        return run


def small_spec(folder):
    """A network of about a millisecond whose results make work for the postprocess."""
    rng = np.random.default_rng(1)
    outputs = {
        "dets": rng.uniform(0.2, 0.8, (1, QUERIES, 4)),
        "labels": rng.normal(-2, 2, (1, QUERIES, CLASSES)),
        "masks": rng.normal(0, 2, (1, QUERIES, MASK_WH[1], MASK_WH[0])),
    }
    path = write_tiny_onnx(Path(folder) / "small.onnx", outputs, (1, 3, *INPUT_WH[::-1]))
    return ModelSpec("small", path, INPUT_WH, ("a",) * CLASSES, has_masks=True, num_select=20)


def clip_frames(count):
    """The first frames of the embedded clip."""
    reader = cv2.VideoCapture(str(resource("demo_clip.mp4")))
    images = [reader.read()[1] for _ in range(count)]
    reader.release()
    height, width = images[0].shape[:2]
    return [Frame(image, width, height, n, n / 30, 0) for n, image in enumerate(images)]


def measure(spec, planted, share, threads=0, rounds=0, limit_s=LIMIT_S):
    """One comparison with `share` planted in a stage."""
    engine = PlantedEngine(spec, EngineConfig(threads=threads), planted, share)
    try:
        stand = Stand(engine, clip_frames(8), View(), None, lambda: None)
        request = AbRequest(a=A, b=B, rounds=rounds)
        return measure_ab(stand, request, lambda *_: None, limit_s=limit_s)
    finally:
        engine.close()


def main(words=None) -> dict[str, tuple[int, int]]:
    """Run all kinds in turn and return for each how often it was right, and of how many."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--share", type=float, default=SHARE)
    parser.add_argument("--model", choices=["small", "demo"], default="small")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", default=[str(kind or "equal") for kind in KINDS])
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--limit", type=float, default=LIMIT_S, help="seconds of one comparison")
    options = parser.parse_args(words)
    cv2.setNumThreads(1)  # as every session does
    kinds = [kind for kind in KINDS if str(kind or "equal") in options.kinds]
    tally = {str(kind or "equal"): [0, 0] for kind in kinds}
    with tempfile.TemporaryDirectory() as folder:
        spec = demo_spec() if options.model == "demo" else small_spec(folder)
        for number in range(1, options.runs + 1):
            for kind in kinds:
                begun_s = time.monotonic()
                result = measure(
                    spec, kind, options.share if kind else 0.0, options.threads, options.rounds,
                    options.limit,
                )  # fmt: skip
                right, count = tally[str(kind or "equal")], is_right(result, kind)
                right[0] += count
                right[1] += 1
                _say(
                    f"{number:3} {kind or 'equal':<12} {'right' if count else 'WRONG'}"
                    f" {time.monotonic() - begun_s:6.1f} s {result.blocks:4} blocks"
                    f" of {result.frames}: {result.verdict}"
                )
    for name, (right, count) in tally.items():
        _say(f"{name:<12} right {right} of {count}")
    return {name: (right, count) for name, (right, count) in tally.items()}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    every = main()
    sys.exit(0 if all(right == count for right, count in every.values()) else 1)
