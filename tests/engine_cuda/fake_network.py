"""A tiny network on the device, and short ways to run frames and to compare what comes out."""

import hashlib

import numpy as np
import torch

from rfviewer.engine.cuda.network import DeviceOutputs
from rfviewer.errors import EngineError
from rfviewer.frame import Frame
from rfviewer.interfaces import RelaunchingEngine
from rfviewer.models.spec import ModelSpec

CLASSES, QUERIES, NET_WH, MASK_WH, SELECT = 5, 12, (16, 12), (8, 6), 20
SPEC = ModelSpec("fake", None, NET_WH, ("a",) * CLASSES, has_masks=True, num_select=SELECT)


class FakeNetwork:
    """Logits, boxes and masks that depend on every input pixel.

    `batch_obstacle` is why a pass takes one frame only; `waits` makes a pass that no graph can
    hold, `tells_early` one that tells 1 ms before it is done; `poison` turns its logits into NaN,
    `poison_rows` those of some rows; beyond `capacity` slots there is no memory for the network,
    beyond `places_in_memory` none for the slot.
    """

    name, form, precision, batch_obstacle = "torch", "fake", "fp32", ""
    input_hw, mask_hw = NET_WH[::-1], MASK_WH[::-1]
    num_queries, num_classes = QUERIES, CLASSES

    def __init__(self, device="cuda", *, waits=False, tells_early=False):
        rng = np.random.default_rng(1)
        size = 3 * NET_WH[0] * NET_WH[1]
        shapes = ((1, QUERIES, 4), (1, QUERIES, CLASSES), (1, QUERIES, MASK_WH[1], MASK_WH[0]))
        self.device, self.shapes = torch.device(device), shapes
        self.waits, self.tells_early = waits, tells_early
        self.mixers = [
            torch.from_numpy(rng.normal(0, 0.1, (int(np.prod(shape)), size)).astype(np.float32))
            for shape in shapes
        ]
        self.mixers = [mixer.to(self.device) for mixer in self.mixers]
        self.poison = torch.zeros(1, device=self.device)
        self.poison_rows = torch.zeros(8, 1, 1, device=self.device)
        self.closed = self.bound = 0
        self.capacity = 5
        self.places_in_memory = 16

    def bind(self, batch=1):
        if self.bound == self.places_in_memory:
            raise torch.cuda.OutOfMemoryError("The fake memory is full.")
        if self.bound == self.capacity:
            raise EngineError("The fake memory does not suffice; lower depth.")
        self.bound += 1
        return BoundFake(self, batch)

    def close(self):
        self.closed += 1


class BoundFake:
    """Every row as a pass of its own would give it, to the bit."""

    def __init__(self, network, batch=1):
        self.network = network
        self.tells_nearly_done = network.tells_early
        self.network_input = torch.zeros((batch, 3, *network.input_hw), device=network.device)

    def enqueue(self, stream, nearly_done=None):
        if self.tells_nearly_done and nearly_done is not None:
            nearly_done.record(stream)
            torch.cuda._sleep(3_000_000)
        rows = [row.reshape(-1) for row in self.network_input]
        if self.network.waits:
            float(rows[0][0])
        boxes, logits, masks = (
            torch.cat([(mixer * flat).sum(1).view(shape) for flat in rows])
            for mixer, shape in zip(self.network.mixers, self.network.shapes, strict=True)
        )
        logits = logits + self.network.poison + self.network.poison_rows[: len(rows)]
        return DeviceOutputs(boxes * 0.1 + 0.4, logits, masks)


class Kept:
    """A network that outlives the engines that use it."""

    def __init__(self, network):
        self._network = network

    def __getattr__(self, name):
        return getattr(self._network, name)

    # By name: what a protocol asks for is not looked up through __getattr__.
    @property
    def fused_obstacle(self):
        return self._network.fused_obstacle

    @property
    def dependent_obstacle(self):
        return self._network.dependent_obstacle

    def use_form(self, **form):
        return self._network.use_form(**form)

    def close(self):
        pass


def frame(index, size_wh=(20, 14), **kwargs):
    width, height = size_wh
    image = np.random.default_rng(index).integers(0, 256, (height, width, 3), np.uint8)
    return Frame(image, width, height, index, index / 25, 0, **kwargs)


FRAMES = [frame(index) for index in range(24)]


def run_all(engine, frames, threshold=0.5):
    results = []
    for item in frames:
        while not _has_room(engine):
            results.append(engine.collect())
        engine.submit(item, threshold)
    while engine.in_flight:
        results.append(engine.collect())
    return results


def allocates_nothing(engine, frames):
    """Fail unless frames of the sizes that `engine` has seen cost no memory any more."""
    before = torch.cuda.memory_stats()
    run_all(engine, frames)
    after = torch.cuda.memory_stats()
    for counter in ("allocation.all.allocated", "segment.all.allocated", "num_ooms"):
        assert after[counter] == before[counter], counter


def _has_room(engine):
    """Ask as the engine thread does; the CPU engine only counts."""
    if isinstance(engine, RelaunchingEngine):
        return engine.make_room()
    return engine.in_flight < engine.depth


def digest(result):
    """Return a hash of everything that was detected, however the masks are stored."""
    found = result.detections
    body = hashlib.sha256()
    for part in (found.boxes_xyxy, found.scores, found.class_ids):
        body.update(np.ascontiguousarray(part).tobytes())
    if found.masks is not None:
        body.update(found.masks.regions_xyxy.tobytes())
        body.update(np.packbits(found.masks.dense(), bitorder="little").tobytes())
    return body.hexdigest()


def digests(results):
    return [digest(result) for result in results]
