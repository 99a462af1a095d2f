"""The stages of a GPU slot: each only enqueues on torch's current stream; nothing is read back."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from rfviewer.config import ResizeMode
from rfviewer.engine.cuda.buffers import SlotBuffers
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


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a slot."""

    stage: Stage
    enqueue: Callable[[], None]
    """Puts the stage on the current stream."""
    capturable: bool = True
    """Whether a graph can hold it: False when it moves pageable memory."""


class SlotStages:
    """The stages of one slot, bound to its buffers. Used on the engine thread."""

    def __init__(
        self,
        frame: FrameFormat,
        bound: BoundNetwork,
        stream: torch.cuda.Stream,
        buffers: SlotBuffers,
        tables: FrameTables,
        wanted: Optimizations,
        resize: ResizeMode,
    ) -> None:
        self._frame = frame
        self._bound = bound
        self._stream = stream
        self._buffers = buffers
        self._tables = tables
        self._wanted = wanted
        self._preprocess = DevicePreprocess(
            frame, tables, bound.network_input, buffers.scratch, wanted, resize
        )
        self._outputs: DeviceOutputs | None = None

    def steps(self) -> list[Step]:
        """Return the stages in order. A pageable copy of the frame is no step: see `Slot`."""
        steps = [
            Step(Stage.PREPROCESS, self.preprocess),
            Step(Stage.INFER, self.infer),
            Step(Stage.POSTPROCESS, self.postprocess),
        ]
        if self._buffers.pinned_input is not None:
            steps.insert(0, Step(Stage.H2D, self.copy_in))
        if self._buffers.host_results is not None:
            steps.append(Step(Stage.D2H, self.copy_out))
        return steps

    def copy_in(self) -> None:
        """Bring frame and threshold to the device."""
        pinned, target = self._buffers.pinned_input, self._buffers.device_input
        if pinned is not None:
            fetch(pinned.order, target.words, target.threshold)

    def preprocess(self) -> None:
        """Make the network input."""
        staged, target = self._buffers.staged_input, self._bound.network_input
        self._preprocess.enqueue(
            self._buffers.device_input.image, target if staged is None else staged
        )
        if staged is not None:
            target.copy_(staged)

    def infer(self) -> None:
        """Run the network."""
        self._outputs = self._bound.enqueue(self._stream)

    def postprocess(self) -> None:
        """Select, decode, make masks."""
        buffers, raw = self._buffers, self.raw()
        arguments = (raw.logits, raw.boxes, buffers.device_input.threshold, buffers.results)
        workspace, frame_wh = buffers.workspace, self._frame.wh
        if self._wanted.fused_select:
            select(*arguments, workspace, frame_wh=frame_wh)
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

    def copy_out(self) -> None:
        """Bring the result table and the bytes of the mask regions into pinned memory."""
        buffers = self._buffers
        if buffers.masks is not None and buffers.masks.stream is not None:
            mask_stream(buffers.masks.planes, buffers.results, buffers.masks.stream)
        if buffers.host_results is not None:
            buffers.host_results.flat.copy_(buffers.results.flat, non_blocking=True)

    def raw(self) -> DeviceOutputs:
        """Return the raw outputs to read, cloned first where that was asked for."""
        raw, staged = self._outputs, self._buffers.staged_outputs
        if raw is None:
            raise RuntimeError("postprocess() before infer()")
        if staged is None:
            return raw
        staged.boxes.copy_(raw.boxes)
        staged.logits.copy_(raw.logits)
        if staged.masks is not None and raw.masks is not None:
            staged.masks.copy_(raw.masks)
        return staged
