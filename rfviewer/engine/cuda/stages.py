"""The stages of a GPU slot: each only enqueues on torch's current stream; nothing is read back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from rfviewer.config import ResizeMode
from rfviewer.engine.cuda.buffers import SeatBuffers
from rfviewer.engine.cuda.frame_format import FrameFormat
from rfviewer.engine.cuda.network import BoundNetwork, DeviceOutputs
from rfviewer.engine.cuda.plain import select as plain_select
from rfviewer.engine.cuda.preprocess import DevicePreprocess
from rfviewer.engine.cuda.tables import FrameTables
from rfviewer.optimizations import Optimizations
from rfviewer.timing import Stage
from rfviewer_kernels.fetch import fetch
from rfviewer_kernels.mask_stream import mask_stream
from rfviewer_kernels.masks import LINEAR, TUNED, masks
from rfviewer_kernels.select import select
from rfviewer_kernels.timestamps import stamp

type Enqueue = Callable[[torch.Tensor | None], None]
"""Puts a stage on the current stream. Where it is given a place, (1,) int64, the stage writes the
device's time there when it begins (stage_times.py)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a slot."""

    stage: Stage
    enqueue: Enqueue
    capturable: bool = True
    """Whether a graph can hold it: False when it moves pageable memory."""


class SeatStages:
    """The stages of one frame of a slot, bound to its buffers. Used on the engine thread."""

    def __init__(
        self,
        frame: FrameFormat,
        network_input: torch.Tensor,
        buffers: SeatBuffers,
        tables: FrameTables,
        wanted: Optimizations,
        resize: ResizeMode,
    ) -> None:
        """`network_input` is this frame's row, (1, 3, h, w), of what the network reads."""
        self._frame = frame
        self._network_input = network_input
        self.buffers = buffers
        self._tables = tables
        self._wanted = wanted
        self._pieces = tables.pieces if wanted.needed_rows else None
        self._preprocess = DevicePreprocess(
            frame, tables, network_input, buffers.scratch, wanted, resize
        )

    def copy_in(self, at: torch.Tensor | None = None) -> None:
        """Bring frame and threshold to the device."""
        pinned, target = self.buffers.pinned_input, self.buffers.device_input
        if pinned is not None:
            fetch(pinned.order, target.words, target.threshold, self._pieces, stamp=at)

    @property
    def leaves_a_rest(self) -> bool:
        """Whether `copy_in` leaves parts of the frame on the host."""
        return self.buffers.pinned_input is not None and self._pieces is not None

    def copy_whole(self, at: torch.Tensor | None = None) -> None:
        """Bring the whole frame to the device: drawn frames have other rows too."""
        pinned, target = self.buffers.pinned_input, self.buffers.device_input
        if pinned is not None:
            fetch(pinned.order, target.words, target.threshold, stamp=at)

    def preprocess(self, at: torch.Tensor | None = None) -> None:
        """Make the network input."""
        staged, target = self.buffers.staged_input, self._network_input
        self._preprocess.enqueue(
            self.buffers.device_input.image, target if staged is None else staged, at
        )
        if staged is not None:
            target.copy_(staged)

    def raw(self, found: DeviceOutputs) -> DeviceOutputs:
        """Return the raw outputs to read, cloned first where that was asked for."""
        staged = self.buffers.staged_outputs
        if staged is None:
            return found
        staged.boxes.copy_(found.boxes)
        staged.logits.copy_(found.logits)
        if staged.masks is not None and found.masks is not None:
            staged.masks.copy_(found.masks)
        return staged

    def postprocess(self, found: DeviceOutputs, at: torch.Tensor | None = None) -> None:
        """Select, decode, make masks; `found` is this frame's row of the raw outputs."""
        buffers = self.buffers
        if at is not None and not (self._wanted.fused_select and self._wanted.zero_copy_output):
            stamp(at, found.boxes.device)  # torch's own kernels come first
            at = None
        raw = self.raw(found)
        arguments = (raw.logits, raw.boxes, buffers.device_input.threshold, buffers.results)
        workspace, frame_wh = buffers.workspace, self._frame.wh
        if self._wanted.fused_select:
            select(*arguments, workspace, frame_wh=frame_wh, stamp=at)
        else:
            plain_select(*arguments, workspace.plane_queries, frame_wh)
        if not self._wanted.float_boxes:
            buffers.results.records.view(torch.float32)[:, 3:7].round_()
        if buffers.masks is None or raw.masks is None or self._tables.masks is None:
            return
        masks(
            raw.masks,
            buffers.results,
            workspace.plane_queries,
            buffers.masks.coarse,
            buffers.masks.planes,
            self._tables.masks,
            packed=self._wanted.packed_masks,
            roi=self._wanted.roi_masks,
            clear=buffers.masks.stream is None,  # the stream reads regions only
            launch=TUNED if self._wanted.tuned_masks else LINEAR,
        )
        if buffers.masks.stream is not None and buffers.masks.stream.is_cuda:
            mask_stream(buffers.masks.planes, buffers.results, buffers.masks.stream)

    def copy_out(self, at: torch.Tensor | None = None) -> None:
        """Bring the result table and the bytes of the mask regions into pinned memory."""
        buffers = self.buffers
        results, copied = buffers.results, buffers.host_results
        if buffers.masks is not None and buffers.masks.stream is not None:
            stream = buffers.masks.stream
            mask_stream(buffers.masks.planes, results, stream, copied=copied, stamp=at)
            return
        if at is not None:
            stamp(at, results.flat.device)
        if copied is not None:
            copied.flat.copy_(results.flat, non_blocking=True)


class SlotStages:
    """The stages of a slot: each for all its seats, the network once. Used on the engine thread."""

    def __init__(
        self, bound: BoundNetwork, stream: torch.cuda.Stream, seats: Sequence[SeatStages]
    ) -> None:
        self._bound = bound
        self._stream = stream
        self._seats = seats
        self._outputs: DeviceOutputs | None = None
        self._nearly_done: torch.cuda.Event | None = None

    def tell_early(self) -> torch.cuda.Event | None:
        """Return what every later pass records shortly before its network is done.

        None where the network cannot tell.
        """
        if self._bound.tells_nearly_done:
            self._nearly_done = torch.cuda.Event(external=True)
        return self._nearly_done

    def steps(self) -> list[Step]:
        """Return the stages in order. A pageable copy of the frame is no step: see `Slot`."""
        steps = [
            Step(Stage.PREPROCESS, self.preprocess),
            Step(Stage.INFER, self.infer),
            Step(Stage.POSTPROCESS, self.postprocess),
        ]
        buffers = self._seats[0].buffers
        if buffers.pinned_input is not None:
            steps.insert(0, Step(Stage.H2D, self.copy_in))
        if buffers.host_results is not None:
            steps.append(Step(Stage.D2H, self.copy_out))
        return steps

    def copy_in(self, at: torch.Tensor | None = None) -> None:
        """Bring frames and thresholds to the device."""
        for index, seat in enumerate(self._seats):
            seat.copy_in(None if index else at)

    def preprocess(self, at: torch.Tensor | None = None) -> None:
        """Make the network input."""
        for index, seat in enumerate(self._seats):
            seat.preprocess(None if index else at)

    def infer(self, at: torch.Tensor | None = None) -> None:
        """Run the network."""
        if at is not None:
            stamp(at, self._stream.device)
        self._outputs = self._bound.enqueue(self._stream, self._nearly_done)

    def raw(self) -> list[DeviceOutputs]:
        """Return the raw outputs of each seat, cloned first where that was asked for."""
        return [seat.raw(self._row(index)) for index, seat in enumerate(self._seats)]

    def postprocess(self, at: torch.Tensor | None = None) -> None:
        """Select, decode, make masks."""
        for index, seat in enumerate(self._seats):
            seat.postprocess(self._row(index), None if index else at)

    def copy_out(self, at: torch.Tensor | None = None) -> None:
        """Bring result tables and the bytes of the mask regions into pinned memory."""
        for index, seat in enumerate(self._seats):
            seat.copy_out(None if index else at)

    def _row(self, index: int) -> DeviceOutputs:
        if self._outputs is None:
            raise RuntimeError("postprocess() before infer()")
        return self._outputs.row(index)
