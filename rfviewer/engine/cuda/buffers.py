"""Every buffer of one slot for one frame format: allocated once, written by every frame.

The frame and the threshold lie in one block, so that one copy brings both to the device and a
captured graph follows a change of the threshold.
"""

from dataclasses import dataclass

import numpy as np
import torch

from rfviewer.engine.cuda.frame_format import FrameFormat
from rfviewer.engine.cuda.network import DeviceNetwork, DeviceOutputs
from rfviewer.frame import U8Array
from rfviewer.optimizations import Optimizations
from rfviewer_kernels.mask_stream import stream_bytes
from rfviewer_kernels.records import Results
from rfviewer_kernels.select import SelectWorkspace

_ALIGNMENT = 16
_HOST = torch.device("cpu")


class InputBlock:
    """A frame and its threshold in one block of memory, on the device or pinned on the host."""

    def __init__(self, frame: FrameFormat, device: torch.device, *, pinned: bool = False) -> None:
        frame_bytes = int(np.prod(frame.shape))
        padded = -(-frame_bytes // _ALIGNMENT) * _ALIGNMENT
        self.block = torch.zeros(
            padded + _ALIGNMENT, dtype=torch.uint8, device=device, pin_memory=pinned
        )
        """Everything, for one copy."""
        self.image = self.block[:frame_bytes].view(frame.shape)
        """uint8 of the frame's shape."""
        self.threshold = self.block[padded : padded + 4].view(torch.float32)
        """(1,) float32."""


class PinnedInput(InputBlock):
    """The block on the host, as numpy views that are written to."""

    def __init__(self, frame: FrameFormat) -> None:
        super().__init__(frame, _HOST, pinned=True)
        self._image = self.image.numpy()
        self._threshold = self.threshold.numpy()

    def write(self, image: U8Array, threshold: float) -> None:
        """Copy a frame in; the last copy to the device must be done."""
        np.copyto(self._image, image)
        self._threshold[0] = threshold


@dataclass(frozen=True, slots=True, eq=False)
class MaskBuffers:
    """Mask planes of a frame, on the device."""

    planes: torch.Tensor
    """(K, H, ceil(W / 8)) packed, or (K, H, W), uint8."""
    coarse: torch.Tensor
    """(K, 4) int32 scratch."""
    stream: torch.Tensor | None
    """(n,) int32: the bytes of the regions one after the other, pinned on the host where
    `pinned_output` is on; None where whole planes are copied."""


@dataclass(frozen=True, slots=True, eq=False)
class SlotBuffers:
    """What the stages of a slot read and write."""

    device_input: InputBlock
    pinned_input: PinnedInput | None
    """None where `pinned_input` is off."""
    staged_input: torch.Tensor | None
    """Extra buffer before the network input; None writes that directly."""
    scratch: torch.Tensor
    """(3, H, w) uint8 between the two passes of mode B; empty in mode A."""
    staged_outputs: DeviceOutputs | None
    """Extra buffers behind the raw outputs; None reads them in place."""
    results: Results
    workspace: SelectWorkspace
    masks: MaskBuffers | None
    """None for a network without masks."""
    host_results: Results | None
    """The pinned table; None where it is copied by another way (copy_out.py)."""


def allocate_buffers(
    frame: FrameFormat,
    network: DeviceNetwork,
    network_input: torch.Tensor,
    outputs: DeviceOutputs,
    max_records: int,
    wanted: Optimizations,
    *,
    two_passes: bool,
) -> SlotBuffers:
    """Return the buffers of one slot.

    Args:
        frame: size and layout of the frames.
        network: tells the sizes.
        network_input: of the slot's bound network.
        outputs: raw outputs of any pass, for their shapes and types.
        max_records: K.
        wanted: the optimizations in effect.
        two_passes: whether the preprocess is mode B.
    """
    device = network_input.device
    scratch_shape = (3, frame.height, network.input_hw[1]) if two_passes else (0,)
    streamed = wanted.fixed_copy and wanted.pinned_output
    return SlotBuffers(
        device_input=InputBlock(frame, device),
        pinned_input=PinnedInput(frame) if wanted.pinned_input else None,
        staged_input=None if wanted.zero_copy_input else torch.zeros_like(network_input),
        scratch=torch.empty(scratch_shape, dtype=torch.uint8, device=device),
        staged_outputs=None if wanted.zero_copy_output else _empty_like(outputs),
        results=Results.allocate(max_records, device),
        workspace=SelectWorkspace.allocate(network.num_queries, max_records, device),
        masks=None
        if network.mask_hw is None
        else _mask_buffers(frame, max_records, device, wanted),
        host_results=Results.allocate(max_records, _HOST, pinned=True) if streamed else None,
    )


def _mask_buffers(
    frame: FrameFormat, max_records: int, device: torch.device, wanted: Optimizations
) -> MaskBuffers:
    columns = -(-frame.width // 8) if wanted.packed_masks else frame.width
    stream = None
    if wanted.fixed_copy:
        words = stream_bytes(max_records, frame.height, frame.width) // 4
        if wanted.pinned_output:
            stream = torch.empty(words, dtype=torch.int32, pin_memory=True)
        else:
            stream = torch.empty(words, dtype=torch.int32, device=device)
    return MaskBuffers(
        torch.empty(max_records, frame.height, columns, dtype=torch.uint8, device=device),
        torch.empty(max_records, 4, dtype=torch.int32, device=device),
        stream,
    )


def _empty_like(outputs: DeviceOutputs) -> DeviceOutputs:
    masks = None if outputs.masks is None else torch.empty_like(outputs.masks)
    return DeviceOutputs(torch.empty_like(outputs.boxes), torch.empty_like(outputs.logits), masks)
