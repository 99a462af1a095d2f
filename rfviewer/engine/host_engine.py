"""The engine for hosts without a GPU: preprocess, infer and postprocess, each on a stream.

One frame in flight: everything runs on the engine thread, inside `collect`. Two or three: one
worker per stage, so that preparing frame n+1 and finishing frame n-1 run beside the network of
frame n (the runtime, OpenCV and numpy's large operations release the GIL).
"""

import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from rfviewer.config import EngineConfig, ResizeMode, View
from rfviewer.engine.backends.base import BoundNetwork, HostBackend
from rfviewer.engine.host_replay import time_part
from rfviewer.engine.masks import mask_tables
from rfviewer.engine.postprocess import HostPostprocess
from rfviewer.engine.preprocess_a import PreprocessA, plans_a
from rfviewer.engine.preprocess_b import PreprocessB, plans_b
from rfviewer.engine.ranges import Ranges
from rfviewer.engine.slot import STAGES, Preprocess, Slot, SlotWork
from rfviewer.engine.stages import host_stages
from rfviewer.engine.streams import HostStream, InlineStream, StartThread, Stream
from rfviewer.engine.toggles import effective_optimizations, host_toggles
from rfviewer.errors import EngineError
from rfviewer.experiment import ReplayPart
from rfviewer.frame import Frame
from rfviewer.models.spec import ModelSpec
from rfviewer.optimizations import Optimizations
from rfviewer.result import DeviceUsage, EngineInfo, FrameResult
from rfviewer.timing import Span, Stage, StageTimings

KEPT_SETS = 2
"""Sets of slots that are kept, so that flipping a toggle back and forth starts warm."""


class _SlotSet:
    """The slots of one set of optimizations, with the tables that they share."""

    def __init__(self, effective: Optimizations) -> None:
        cached = effective.table_cache
        self.plans_a, self.plans_b = plans_a(enabled=cached), plans_b(enabled=cached)
        self.mask_tables = mask_tables(enabled=cached)
        self.slots: list[Slot | None] = [None] * effective.depth


class HostEngine:
    """Implements `interfaces.Engine` on the CPU. All calls on the engine thread."""

    def __init__(
        self,
        backend: HostBackend,
        spec: ModelSpec,
        config: EngineConfig,
        optimizations: Optimizations,
        *,
        backend_reason: str,
        start_thread: StartThread,
    ) -> None:
        self._backend = backend
        self._spec = spec
        self._config = config
        self._backend_reason = backend_reason
        self._start_thread = start_thread
        self._stages = host_stages()
        self._networks = [backend.bind()]
        self._last_network = self._networks[0]
        self._sets: OrderedDict[Optimizations, _SlotSet] = OrderedDict()
        self._busy: deque[Slot] = deque()
        self._submitted = 0
        self._streams: tuple[Stream, ...] = ()
        self.configure(optimizations)

    @property
    def info(self) -> EngineInfo:
        """What the engine is, with the state of every toggle."""
        return EngineInfo(
            model=self._spec.name,
            backend=self._backend.name,
            backend_reason=self._backend_reason,
            device=self._backend.device,
            precision=self._backend.precision,
            resize=self._config.resize,
            input_wh=self._spec.input_wh,
            class_names=self._spec.class_names,
            has_masks=self._spec.has_masks,
            toggles=self._toggles,
        )

    @property
    def depth(self) -> int:
        """How many frames may be in flight."""
        return self._effective.depth

    @property
    def in_flight(self) -> int:
        """How many frames are in flight."""
        return len(self._busy)

    def submit(self, frame: Frame, threshold: float, overlay: View | None = None) -> None:
        """Start work on `frame`; `in_flight` must be below `depth`. Does not wait for the result.

        Frames of another size than before get new buffers; those in flight keep theirs.
        """
        if self.in_flight >= self.depth:
            raise RuntimeError(f"{self.in_flight} frames are in flight, at most {self.depth} may")
        slot = self._slot(self._submitted % self.depth, (frame.width, frame.height))
        slot.begin(frame, threshold, time.monotonic_ns())
        for stage, stream in zip(self._stages, self._streams, strict=True):
            stage.enqueue(slot, stream)
        slot.submitted_time_ns = time.monotonic_ns()
        self._busy.append(slot)
        self._submitted += 1
        self._last_network = slot.network

    def collect(self) -> FrameResult:
        """Wait for the oldest frame in flight and return its result.

        Raises:
            EngineError: a stage failed; that frame is gone, the engine can go on.
        """
        slot = self._busy.popleft()
        start_ns = time.monotonic_ns()
        for stream in self._streams:
            stream.flush()
        slot.done[STAGES[-1]].wait()
        try:
            return self._result(slot, start_ns)
        finally:
            slot.release()

    def configure(self, optimizations: Optimizations) -> None:
        """Apply `optimizations`; nothing may be in flight. Recent settings find their buffers."""
        if self._busy:
            raise RuntimeError("configure() while frames are in flight")
        self._toggles = host_toggles(optimizations, self._spec)
        self._effective = effective_optimizations(self._toggles)
        if self._effective not in self._sets:
            self._sets[self._effective] = _SlotSet(self._effective)
        self._sets.move_to_end(self._effective)
        self._set = self._sets[self._effective]
        if len(self._sets) > KEPT_SETS:
            self._sets.popitem(last=False)
        self._submitted = 0
        while len(self._networks) < self.depth:
            self._networks.append(self._backend.bind())
        wanted = InlineStream if self.depth == 1 else HostStream
        if self._streams and isinstance(self._streams[0], wanted):
            return
        self._close_streams()
        if self.depth == 1:
            self._streams = (InlineStream(),) * len(STAGES)
        else:
            self._streams = tuple(HostStream(stage.value, self._start_thread) for stage in STAGES)

    def device_usage(self) -> DeviceUsage:
        """Return that there is no GPU to measure."""
        return DeviceUsage(None, "not measured: no GPU")

    def replay_backend(self, count: int) -> Sequence[float]:
        """Run the bare network `count` times on the last prepared input; return durations in ms.

        Zeros are the input as long as no frame was submitted.

        Raises:
            EngineError: the network failed.
        """
        if self._busy:
            raise RuntimeError("replay_backend() while frames are in flight")
        durations_ms = []
        for _ in range(count):
            start_ns = time.monotonic_ns()
            try:
                self._last_network.run()
            except Exception as error:
                raise EngineError(f"The network failed in a replay ({error}).") from error
            durations_ms.append((time.monotonic_ns() - start_ns) / 1e6)
        return durations_ms

    def replay_part(self, part: ReplayPart, frame: Frame, count: int) -> Sequence[float]:
        """Run that part of the way of `frame` `count` times on this thread; return times in ms.

        "Copy in" is the preprocess: the host reads the frame where it lies.

        Raises:
            EngineError: it failed.
        """
        if self._busy:
            raise RuntimeError("replay_part() while frames are in flight")
        slot = self._slot(0, (frame.width, frame.height))
        slot.begin(frame, 0.0, time.monotonic_ns())
        try:
            return time_part(part, slot, self._backend, count)
        finally:
            slot.release()

    def use_ranges(self, ranges: Ranges) -> None:
        """Put a range around each stage of every later frame, on the thread that runs it."""
        self._stages = host_stages(ranges)

    def close(self) -> None:
        """Drop what is in flight, join the workers and free the network. Idempotent."""
        for slot in self._busy:
            slot.cancel()
        self._close_streams()
        self._busy.clear()
        self._sets.clear()
        self._backend.close()

    def _close_streams(self) -> None:
        for stream in self._streams:
            stream.close()
        self._streams = ()

    def _slot(self, index: int, frame_wh: tuple[int, int]) -> Slot:
        """Return slot `index`, rebuilt if it was made for another frame size."""
        slots = self._set.slots
        slot = slots[index]
        if slot is None or slot.frame_wh != frame_wh:
            network = self._networks[index]
            slot = Slot(frame_wh, network, lambda: self._work(network, frame_wh))
            slot.lane = f"slot {index}"
            slots[index] = slot
        return slot

    def _work(self, network: BoundNetwork, frame_wh: tuple[int, int]) -> SlotWork:
        wanted = self._effective
        pred_masks = network.raw.pred_masks
        mask_wh = None if pred_masks is None else (pred_masks.shape[2], pred_masks.shape[1])
        return SlotWork(
            self._preprocess(frame_wh),
            HostPostprocess(
                frame_wh, mask_wh, self._spec.num_select, self._set.mask_tables, wanted
            ),
            staged_input=None if wanted.zero_copy_input else np.empty_like(network.network_input),
            interleaved_input=None
            if wanted.planar_stores or not wanted.fused_preprocess
            else np.empty((*network.network_input.shape[2:], 3), np.float32),
            staged_raw=None if wanted.zero_copy_output else network.raw.empty_like(),
        )

    def _preprocess(self, frame_wh: tuple[int, int]) -> Preprocess:
        sizes, fused = (frame_wh, self._spec.input_wh), self._effective.fused_preprocess
        constants = self._effective.fused_constants
        if self._config.resize is ResizeMode.B:
            return PreprocessB(sizes, self._set.plans_b, fused=fused, constants=constants)
        return PreprocessA(sizes, self._set.plans_a, fused=fused, constants=constants)

    def _result(self, slot: Slot, collect_ns: int) -> FrameResult:
        frame, detections = slot.frame, slot.detections
        if isinstance(slot.error, EngineError):
            raise slot.error
        if slot.error is not None or frame is None or detections is None:
            index = "?" if frame is None else frame.frame_index
            raise EngineError(
                f"Frame {index} failed in {slot.failed_stage}"
                f" ({type(slot.error).__name__}: {slot.error})."
            ) from slot.error
        timings = StageTimings(
            MappingProxyType(
                {s: (slot.done[s].time_ns - slot.started[s].time_ns) / 1e6 for s in STAGES}
            ),
            submit_time_ns=slot.submit_time_ns,
            done_time_ns=slot.done[STAGES[-1]].time_ns,
            spans=_spans(slot, collect_ns),
        )
        return FrameResult(frame, detections, timings, self._effective, slot.threshold)


def _spans(slot: Slot, collect_ns: int) -> tuple[Span, ...]:
    """Return when the stages of a finished slot ran, and what the engine thread did for it."""
    return (
        Span("host", Stage.SUBMIT, slot.submit_time_ns, slot.submitted_time_ns),
        *(Span(slot.lane, s, slot.started[s].time_ns, slot.done[s].time_ns) for s in STAGES),
        Span("host", Stage.COLLECT, collect_ns, time.monotonic_ns()),
    )
