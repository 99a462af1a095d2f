"""A network whose gate the test holds, and short ways to run frames through a host engine."""

import threading

import numpy as np

from rfviewer.detections import Detections
from rfviewer.engine.backends.base import BoundNetwork, RawOutputs
from rfviewer.frame import Frame
from rfviewer.models.spec import ModelSpec

CLASSES, QUERIES, NET_WH, MASK_WH = 5, 12, (16, 12), (8, 6)
SPEC = ModelSpec("fake", "fake.onnx", NET_WH, ("a",) * CLASSES, has_masks=True, num_select=20)


class FakeBackend:
    """Logits, boxes and masks that depend on every input pixel; runs while `gate` is open."""

    name, device, precision = "onnxruntime", "CPU, 1 thread", "fp32"

    def __init__(self):
        self.gate = threading.Event()
        self.gate.set()
        self.bound = []
        self.running = self.called = 0
        self.fails_with = None
        self.closed = 0

    def bind(self):
        rng = np.random.default_rng(1)
        network_input = np.zeros((1, 3, NET_WH[1], NET_WH[0]), np.float32)
        raw = RawOutputs(
            np.zeros((QUERIES, 4), np.float32),
            np.zeros((QUERIES, CLASSES), np.float32),
            np.zeros((QUERIES, MASK_WH[1], MASK_WH[0]), np.float32),
        )
        mixers = [
            (target, rng.normal(0, 1, (target.size, network_input.size)).astype(np.float32))
            for target in (raw.pred_boxes, raw.pred_logits, raw.pred_masks)
        ]

        def run():
            self.running += 1
            assert self.gate.wait(60)
            if self.fails_with is not None:
                error, self.fails_with = self.fails_with, None
                raise error
            for target, mixer in mixers:
                target[...] = (mixer @ network_input.ravel() / 10).reshape(target.shape)

        self.bound.append(BoundNetwork(network_input, raw, run))
        return self.bound[-1]

    def call(self, network_input):
        bound = self.bound[0]
        bound.network_input[...] = network_input
        bound.run()
        self.called += 1
        return bound.raw

    def close(self):
        self.closed += 1


def frame(index, size_wh=(20, 14), **kwargs):
    width, height = size_wh
    image = np.random.default_rng(index).integers(0, 256, (height, width, 3), np.uint8)
    return Frame(image, width, height, index, index / 25, 0, **kwargs)


def run_all(engine, frames, threshold=0.5):
    results = []
    for item in frames:
        if engine.in_flight == engine.depth:
            results.append(engine.collect())
        engine.submit(item, threshold)
    while engine.in_flight:
        results.append(engine.collect())
    return results


def assert_same(a: Detections, b: Detections):
    for name in ("boxes_xyxy", "scores", "class_ids"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    np.testing.assert_array_equal(a.masks.dense(), b.masks.dense())
    np.testing.assert_array_equal(a.masks.regions_xyxy, b.masks.regions_xyxy)
