"""Every buffer of one seat of a slot for one frame format: allocated once, written by every frame.

The frame comes from an address that the host names for every frame, with the threshold beside it,
so that a captured graph takes frames from anywhere in page-locked memory.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from rfviewer.engine.cuda.frame_format import FrameFormat
from rfviewer.engine.cuda.frame_memory import FrameMemory, address_of
from rfviewer.engine.cuda.network import DeviceNetwork, DeviceOutputs
from rfviewer.engine.cuda.pictures import HeldPicture
from rfviewer.engine.cuda.strips import copier_for
from rfviewer.engine.streams import StartThread
from rfviewer.frame import U8Array
from rfviewer.optimizations import Optimizations
from rfviewer_kernels.fetch import ALIGNMENT, ORDER_WORDS
from rfviewer_kernels.mask_stream import stream_bytes
from rfviewer_kernels.records import Results
from rfviewer_kernels.select_workspace import SelectWorkspace

_HOST = torch.device("cpu")
NOTHING = 1.0
"""A threshold that no score passes: for a seat without a frame."""


class DeviceInput:
    """A frame and its threshold on the device."""

    def __init__(self, frame: FrameFormat, device: torch.device) -> None:
        size = frame.nbytes
        block = torch.zeros(-(-size // ALIGNMENT) * ALIGNMENT, dtype=torch.uint8, device=device)
        self.image = block[:size].view(frame.shape)
        """uint8 of the frame's shape."""
        self.words = block.view(torch.int32)
        """(n,) int32, the same memory up to a multiple of 16 bytes."""
        self.threshold = torch.zeros(1, device=device)
        """(1,) float32."""


class PinnedInput:
    """Where the frame lies, and the threshold: what the device reads at each launch."""

    def __init__(self, frame: FrameFormat) -> None:
        self._own = page_locked(-(-frame.nbytes // ALIGNMENT) * ALIGNMENT)
        self._own_address = int(self._own.ctypes.data)
        self._image = self._own[: frame.nbytes].reshape(frame.shape)
        self.order = torch.zeros(ORDER_WORDS, dtype=torch.int64, pin_memory=True)
        """(2,) int64: address and bits of the threshold."""
        self._address = self.order.numpy()
        self._threshold = self.order[1:].view(torch.float32).numpy()

    def write(self, picture: U8Array | HeldPicture, threshold: float) -> None:
        """Name a frame; copy it first unless it lies where the device can read it already.

        That is page-locked memory of ours, or the device's own. The caller keeps `picture` until
        the device has read it, and calls again only then.
        """
        if isinstance(picture, HeldPicture):
            address = picture.address
        elif not (address := address_of(picture)):
            np.copyto(self._image, picture)
            address = self._own_address
        self._address[0] = address
        self._threshold[0] = threshold

    def leave_empty(self) -> None:
        """Name memory that is always there, and let nothing be found in it."""
        self._address[0] = self._own_address
        self._threshold[0] = NOTHING


def page_locked(size: int) -> U8Array:
    """Return so many bytes of page-locked host memory, aligned by far more than 16."""
    held: U8Array = torch.empty(size, dtype=torch.uint8, pin_memory=True).numpy()
    return held


def frame_memory(start_thread: StartThread) -> FrameMemory:
    """Return memory for frames that is page-locked; `start_thread` helps to copy large ones."""
    return FrameMemory(page_locked, partial(copier_for, start_thread))


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
class SeatBuffers:
    """What the stages of one frame of a slot read and write."""

    device_input: DeviceInput
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
) -> SeatBuffers:
    """Return the buffers of one seat.

    Args:
        frame: size and layout of the frames.
        network: tells the sizes.
        network_input: (1, 3, h, w), the seat's row of the bound network's.
        outputs: raw outputs of one frame in the same form, for their shapes and types.
        max_records: K.
        wanted: the optimizations in effect.
        two_passes: whether the preprocess is mode B.
    """
    device = network_input.device
    scratch_shape = (3, frame.height, network.input_hw[1]) if two_passes else (0,)
    streamed = wanted.fixed_copy and wanted.pinned_output
    return SeatBuffers(
        device_input=DeviceInput(frame, device),
        pinned_input=PinnedInput(frame) if wanted.pinned_input else None,
        staged_input=None if wanted.zero_copy_input else torch.zeros_like(network_input),
        scratch=torch.empty(scratch_shape, dtype=torch.uint8, device=device),
        staged_outputs=None if wanted.zero_copy_output else _empty_like(outputs),
        results=Results.allocate(max_records, device),
        workspace=SelectWorkspace.allocate(
            network.num_queries, network.num_classes, max_records, device
        ),
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
