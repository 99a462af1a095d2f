"""The slots of the last few frame formats and settings: flipping back and forth captures once.

Streams and bound networks belong to a slot's place in the ring and outlive its graphs, so two slots
of one place never run at the same time, whatever format they are for. A place has a bound network
for each number of frames a pass that was asked for.
"""

import time
from collections import OrderedDict

import numpy as np
import torch

from rfviewer import log
from rfviewer.config import ResizeMode
from rfviewer.engine.cuda.buffers import allocate_buffers
from rfviewer.engine.cuda.faults import first_line, is_device_lost, memory_error
from rfviewer.engine.cuda.frame_format import FrameFormat
from rfviewer.engine.cuda.network import BoundNetwork, DeviceNetwork, DeviceOutputs
from rfviewer.engine.cuda.overlay import SlotOverlay
from rfviewer.engine.cuda.seat import Seat
from rfviewer.engine.cuda.slot import Slot
from rfviewer.engine.cuda.stages import SeatStages, SlotStages
from rfviewer.engine.cuda.tables import FrameTables
from rfviewer.engine.cuda.toggles import slot_key
from rfviewer.errors import EngineError
from rfviewer.frame import Frame
from rfviewer.optimizations import Optimizations

_CAPACITY = 3
"""Sets kept: the present one, the one before, and one more for A/B runs over two sizes."""


class SlotError(EngineError):
    """The slots can be had only without one of the optimizations; its text is the reason."""

    def __init__(self, toggle: str, reason: str) -> None:
        super().__init__(reason)
        self.toggle = toggle
        """Field of `Optimizations`."""


class SlotSets:
    """Builds slots where needed and keeps them. Engine thread."""

    def __init__(
        self,
        network: DeviceNetwork,
        max_records: int,
        resize: ResizeMode,
        device: torch.device,
    ) -> None:
        self._network = network
        self._max_records = max_records
        self._resize = resize
        self._device = device
        self._streams: list[torch.cuda.Stream] = []
        self._networks: dict[tuple[int, int], BoundNetwork] = {}
        self._shapes: dict[bool, DeviceOutputs] = {}
        """Raw outputs of one frame, by `fused_network`: the two forms differ in their types."""
        self._sets: OrderedDict[tuple[FrameFormat, Optimizations], list[Slot]] = OrderedDict()

    def stream(self, index: int) -> torch.cuda.Stream:
        """Return the stream of slot `index`, made once."""
        while len(self._streams) <= index:
            self._streams.append(torch.cuda.Stream(self._device))
        return self._streams[index]

    def place(self, index: int, batch: int = 1) -> tuple[torch.cuda.Stream, BoundNetwork]:
        """Return stream and bound network of slot `index` with `batch` seats, made once.

        Raises:
            EngineError: the network cannot be had for that many frames.
        """
        stream, key = self.stream(index), (index, batch)
        if key not in self._networks:
            # Bound on its own stream, so that the allocator knows whose memory it is.
            with torch.cuda.stream(stream):
                self._networks[key] = self._network.bind(batch)
        return stream, self._networks[key]

    def slots(self, frame: FrameFormat, effective: Optimizations) -> list[Slot]:
        """Return the slots that take turns for `frame`, captured where `effective.cuda_graph`.

        Raises:
            SlotError: a graph or the spare slot cannot be had.
            EngineError: the slots cannot be built, e.g. for lack of memory.
        """
        while not self.build_one(frame, effective):
            pass
        return self._sets[frame, slot_key(effective)][: _taking_turns(effective)]

    def build_one(self, frame: FrameFormat, effective: Optimizations) -> bool:
        """Build one of the slots that `slots` returns, if one is missing; return whether none is.

        Other slots of the same place may be in flight: what warms up the new one queues behind
        them on their stream, and its buffers are its own.

        Raises:
            SlotError: a graph or the spare slot cannot be had.
            EngineError: the slots cannot be built, e.g. for lack of memory.
        """
        wanted, count = slot_key(effective), _taking_turns(effective)
        key = frame, wanted
        found = self._sets.setdefault(key, [])
        self._sets.move_to_end(key)
        if len(self._sets) > _CAPACITY:
            self._sets.popitem(last=False)
            torch.cuda.empty_cache()  # the pools of freed graphs, which nothing else may use
        if len(found) < count:
            start_ns = time.monotonic_ns()
            try:
                found.append(self._build(len(found), frame, wanted, found))
            except torch.cuda.OutOfMemoryError as error:
                if len(found) == effective.depth:
                    torch.cuda.empty_cache()  # what the spare one had got already
                    raise SlotError("early_relaunch", "no memory for a spare slot") from error
                self._drop_others(key)
                frames = effective.depth * wanted.micro_batch
                raise memory_error(
                    f"{frames} frames of {frame.width}x{frame.height} in flight",
                    _less(len(found), wanted.micro_batch),
                    error,
                ) from error
            elapsed_ms = (time.monotonic_ns() - start_ns) / 1e6
            log.engine.debug("slot %d for %s built in %.1f ms", len(found), frame, elapsed_ms)
        return len(found) >= count

    def measured_stages(
        self, frame: Frame, wanted: Optimizations
    ) -> tuple[SlotStages, torch.cuda.Stream]:
        """Return stages of the first place with buffers of their own, and their stream.

        `frame` is written to page-locked memory of every seat, which `wanted` must ask for; its
        image must stay.

        Raises:
            RuntimeError: they cannot be had, e.g. for lack of memory.
        """
        frame_format = FrameFormat.of(frame, on_device=wanted.device_frames)
        wanted = slot_key(wanted)
        stream, _ = self.place(0, wanted.micro_batch)
        with torch.cuda.stream(stream):
            tables = self._tables(frame_format)
            seats, stages = self._stages(0, frame_format, wanted, tables)
        stream.synchronize()
        for seat in seats:
            if seat.buffers.pinned_input is None:
                raise RuntimeError("the stages read pageable memory")
            seat.buffers.pinned_input.write(frame_format.picture(frame), 1.0)
        return stages, stream

    def clear(self) -> None:
        """Free every slot and bound network; none may be in flight."""
        self._sets.clear()
        self._networks.clear()
        self._streams.clear()
        self._shapes.clear()

    def _drop_others(self, key: tuple[FrameFormat, Optimizations]) -> None:
        """Free what other formats and settings hold: the next try may then fit."""
        for other in [other for other in self._sets if other != key]:
            del self._sets[other]
        torch.cuda.empty_cache()

    def _build(
        self, index: int, frame: FrameFormat, wanted: Optimizations, others: list[Slot]
    ) -> Slot:
        stream, _ = self.place(index, wanted.micro_batch)
        with torch.cuda.stream(stream):
            # A table that is rebuilt for every pass cannot be shared between slots.
            tables = others[0].tables if others and wanted.table_cache else self._tables(frame)
            parts, stages = self._stages(index, frame, wanted, tables)
            seats = [self._seat(part, frame, stream, wanted) for part in parts]
        # Tables and zeros are there before any other stream reads them.
        stream.synchronize()
        slot = Slot(stages, seats, stream, tables, wanted)
        slot.lane = f"slot {index}"
        slot.warm_up(_blank(frame))
        if wanted.cuda_graph:
            try:
                slot.capture()
            except torch.cuda.OutOfMemoryError:
                raise
            except RuntimeError as error:
                if is_device_lost(error):
                    raise
                log.engine.warning("capture failed: %s", error)
                raise SlotError("cuda_graph", f"capture failed: {first_line(error)}") from error
        return slot

    def _stages(
        self, index: int, frame: FrameFormat, wanted: Optimizations, tables: FrameTables
    ) -> tuple[list[SeatStages], SlotStages]:
        """Allocate the buffers of slot `index`; its stream is the current one."""
        stream, bound = self.place(index, wanted.micro_batch)
        if wanted.fused_network not in self._shapes:
            self._shapes[wanted.fused_network] = bound.enqueue(stream).row(0)
        seats = []
        for seat in range(wanted.micro_batch):
            row = bound.network_input[seat : seat + 1]
            buffers = allocate_buffers(
                frame,
                self._network,
                row,
                self._shapes[wanted.fused_network],
                self._max_records,
                wanted,
                two_passes=self._resize is ResizeMode.B,
            )
            seats.append(SeatStages(frame, row, buffers, tables, wanted, self._resize))
        return seats, SlotStages(bound, stream, seats)

    def _seat(
        self,
        stages: SeatStages,
        frame: FrameFormat,
        stream: torch.cuda.Stream,
        wanted: Optimizations,
    ) -> Seat:
        buffers, overlay = stages.buffers, None
        if wanted.packed_masks or buffers.masks is None:
            copy_whole = stages.copy_whole if stages.leaves_a_rest else None
            classes = self._network.num_classes
            overlay = SlotOverlay(frame, buffers, classes, stream, wanted, copy_whole)
        return Seat(frame, buffers, stream, wanted, overlay)

    def _tables(self, frame: FrameFormat) -> FrameTables:
        network = self._network
        return FrameTables(frame, network.input_hw, network.mask_hw, self._resize, self._device)


def _taking_turns(effective: Optimizations) -> int:
    """Return how many slots there are: as many as run at a time, and a spare to relaunch early."""
    return effective.depth + effective.early_relaunch


def _less(slots: int, batch: int) -> str:
    """Return what to set where there is memory for `slots` slots only."""
    if slots:
        return f"set depth to {slots}"
    return "set micro_batch to 1" if batch > 1 else "use smaller frames or another model"


def _blank(frame: FrameFormat) -> Frame:
    return Frame(
        np.zeros(frame.shape, np.uint8),
        frame.width,
        frame.height,
        frame_index=0,
        pts_s=0.0,
        capture_time_ns=0,
        pixel_format=frame.pixel_format,
    )
