"""Whole slots as graphs: copy in, preprocess, network, postprocess, copy out, one launch a frame.

Proves first that overlapping slots give what one slot gives, frame by frame, then times them.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from network import Network
from numpy.typing import NDArray
from timing import capture

from rfviewer_kernels.mask_stream import mask_stream, stream_bytes, stream_layout
from rfviewer_kernels.masks import MaskTables, masks
from rfviewer_kernels.normalize import affine
from rfviewer_kernels.pixels import Layout
from rfviewer_kernels.preprocess_a import preprocess_a
from rfviewer_kernels.records import Results
from rfviewer_kernels.select import SelectWorkspace, select
from rfviewer_kernels.tables import linear_table

Frame = NDArray[np.uint8]
STAGES = ("h2d", "preprocess", "infer", "postprocess", "d2h")


@dataclass
class Prints:
    """Digests of one run: equal lists mean equal bytes, frame by frame."""

    results: list[str] = field(default_factory=list)
    """Of counts, records, regions and the mask stream."""
    raw: list[str] = field(default_factory=list)
    """Of the raw network outputs."""
    counts: list[int] = field(default_factory=list)


class Slot:
    """Every buffer and event of one frame in flight, and its graph."""

    def __init__(self, network: Network, frame_wh: tuple[int, int], threshold: float) -> None:
        device = torch.device("cuda")
        width, height = frame_wh
        self.stream = torch.cuda.Stream()
        self.done = torch.cuda.Event()
        self.host_frame = torch.empty(height, width, 3, dtype=torch.uint8, pin_memory=True)
        self._frame = torch.empty(height, width, 3, dtype=torch.uint8, device=device)
        self.network_input = torch.zeros(1, 3, 312, 312, dtype=torch.float16, device=device)
        self._network = network
        self._tables = linear_table(height, 312).to(device), linear_table(width, 312).to(device)
        self._mask_tables = MaskTables.make((78, 78), frame_wh, device)
        self._coarse = torch.empty(100, 4, dtype=torch.int32, device=device)
        self._threshold = torch.tensor([threshold], device=device)
        self._results = Results.allocate(100, device)
        self.host_results = Results.allocate(100, torch.device("cpu"), pinned=True)
        self._workspace = SelectWorkspace.allocate(100, 100, device)
        self._planes = torch.empty(100, height, -(-width // 8), dtype=torch.uint8, device=device)
        words = stream_bytes(100, height, width) // 4
        self.host_stream = torch.empty(words, dtype=torch.int32, pin_memory=True)
        self._wh = frame_wh
        self.events = [
            torch.cuda.Event(enable_timing=True, external=True) for _ in range(len(STAGES) + 1)
        ]
        self.raw: tuple[torch.Tensor, ...] = ()
        self._graph = capture(self.enqueue, self.stream)
        self._captured_raw = self.raw

    def enqueue(self) -> None:
        """Put the whole slot on the current stream."""
        self.events[0].record()
        self._frame.copy_(self.host_frame, non_blocking=True)
        self.events[1].record()
        preprocess_a(self._frame, self.network_input, *self._tables, affine(), layout=Layout.BGR)
        self.events[2].record()
        self.raw = self._network(self.network_input)
        boxes, logits, mask_logits = self.raw
        self.events[3].record()
        select(logits, boxes, self._threshold, self._results, self._workspace, frame_wh=self._wh)
        queries = self._workspace.plane_queries
        masks(
            mask_logits,
            self._results,
            queries,
            self._coarse,
            self._planes,
            self._mask_tables,
            packed=True,
            clear=False,
        )
        self.events[4].record()
        mask_stream(self._planes, self._results, self.host_stream)
        self.host_results.flat.copy_(self._results.flat, non_blocking=True)
        self.events[5].record()

    def submit(self, frame: Frame, *, graph: bool = True) -> None:
        """Start work on `frame`."""
        np.copyto(self.host_frame.numpy(), frame)
        with torch.cuda.stream(self.stream):
            if graph:
                self.raw = self._captured_raw
                self._graph.replay()
            else:
                self.enqueue()
            self.done.record(self.stream)

    def digest(self, prints: Prints) -> None:
        """Append what the slot holds; only after `done`."""
        planes = int(self.host_results.counts[2])
        layout = stream_layout(self.host_results.regions[:planes].numpy())
        used = int(layout.starts[-1] + layout.shapes[-1].prod()) if planes else 0
        body = hashlib.sha256(self.host_results.flat.numpy().tobytes())
        body.update(self.host_stream.numpy().view(np.uint8)[:used].tobytes())
        prints.results.append(body.hexdigest())
        raw = hashlib.sha256()
        for output in self.raw:
            raw.update(output.contiguous().cpu().numpy().tobytes())
        prints.raw.append(raw.hexdigest())
        prints.counts.append(int(self.host_results.counts[0]))

    def stage_us(self) -> list[float]:
        """Return the stages' durations of the last frame."""
        pairs = zip(self.events, self.events[1:], strict=False)
        return [start.elapsed_time(end) * 1e3 for start, end in pairs]


def fingerprints(slots: Sequence[Slot], frames: Sequence[Frame], *, graph: bool = True) -> Prints:
    """Run all frames with `len(slots)` in flight and return their digests in frame order."""
    prints = Prints()
    pending: list[Slot] = []
    for index, frame in enumerate(frames):
        slot = slots[index % len(slots)]
        if len(pending) == len(slots):
            oldest = pending.pop(0)
            oldest.done.synchronize()
            oldest.digest(prints)
        slot.submit(frame, graph=graph)
        pending.append(slot)
    for slot in pending:
        slot.done.synchronize()
        slot.digest(prints)
    return prints


def differences(got: Prints, expected: Prints) -> dict[str, int]:
    """Return how many frames differ in their results and in the raw outputs."""
    pairs = {"results": (got.results, expected.results), "raw": (got.raw, expected.raw)}
    return {name: sum(a != b for a, b in zip(*lists, strict=True)) for name, lists in pairs.items()}


def rate(slots: Sequence[Slot], frames: Sequence[Frame], count: int) -> float:
    """Return frames per second of `count` frames, from the first submit to the last result."""
    for slot in slots:
        slot.submit(frames[0])
        slot.done.synchronize()
    start = time.perf_counter()
    for index in range(count):
        slot = slots[index % len(slots)]
        slot.done.synchronize()
        slot.submit(frames[index % len(frames)])
    for slot in slots:
        slot.done.synchronize()
    return count / (time.perf_counter() - start)
