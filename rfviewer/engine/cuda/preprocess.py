"""From a frame on the device to the network input: the fused kernels, or their parts one by one."""

import torch

from rfviewer.config import ResizeMode
from rfviewer.engine.cuda.frame_format import FrameFormat
from rfviewer.engine.cuda.plain import PlainPreprocess
from rfviewer.engine.cuda.tables import FrameTables
from rfviewer.optimizations import Optimizations
from rfviewer_kernels.normalize import IMAGENET_MEAN, IMAGENET_STD, Affine, affine
from rfviewer_kernels.preprocess_a import preprocess_a
from rfviewer_kernels.preprocess_b import preprocess_b
from rfviewer_kernels.reference import to_rgb
from rfviewer_kernels.timestamps import stamp

_LEVELS = Affine((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
"""Leaves values as they are, 0..255."""


class DevicePreprocess:
    """Resizes and normalises the frames of one slot. Only enqueues; engine thread."""

    def __init__(
        self,
        frame: FrameFormat,
        tables: FrameTables,
        network_input: torch.Tensor,
        scratch: torch.Tensor,
        wanted: Optimizations,
        resize: ResizeMode,
    ) -> None:
        """Allocate what the parts need that are not fused.

        Args:
            frame: format of the frames.
            tables: for it.
            network_input: (1, 3, h, w), for its shape, type and device.
            scratch: (3, H, w) uint8 between the passes of mode B.
            wanted: the optimizations in effect.
            resize: the mode.
        """
        self._frame = frame
        self._tables = tables
        self._scratch = scratch
        self._resize = resize
        self._fused = wanted.fused_preprocess
        device = network_input.device
        self._plain = PlainPreprocess(device)
        self._levels: torch.Tensor | None = None
        """(1, 3, h, w) fp32 before normalising in passes of their own."""
        self._pixels: torch.Tensor | None = None
        """(1, 3, h, w) that lies in memory as (h, w, 3), before rearranging."""
        if not self._fused:
            return
        if not wanted.fused_constants:
            self._levels = torch.empty(network_input.shape, dtype=torch.float32, device=device)
            self._mean, self._std = (
                torch.tensor(values, device=device)[None, :, None, None]
                for values in (IMAGENET_MEAN, IMAGENET_STD)
            )
        if not wanted.planar_stores:
            self._pixels = torch.empty(
                network_input.shape,
                dtype=network_input.dtype,
                device=device,
                memory_format=torch.channels_last,
            )

    def enqueue(self, image: torch.Tensor, out: torch.Tensor, at: torch.Tensor | None) -> None:
        """Put the preprocess of `image` into `out`, (1, 3, h, w), on the current stream.

        Where `at`, (1,) int64, is given, the device's time is written there when it begins.
        """
        if not self._fused:
            if at is not None:
                stamp(at, image.device)
            self._run_plain(image, out)
            return
        target = out if self._pixels is None else self._pixels
        if self._levels is None:
            self._run_fused(image, target, affine(), at)
        else:
            self._run_fused(image, self._levels, _LEVELS, at)
            target.copy_(self._levels.div_(255).sub_(self._mean).div_(self._std))
        if self._pixels is not None:
            out.copy_(self._pixels)

    def _run_fused(
        self, image: torch.Tensor, out: torch.Tensor, constants: Affine, at: torch.Tensor | None
    ) -> None:
        layout, matrix = self._frame.layout, self._frame.matrix
        tables, scratch = self._tables, self._scratch
        if self._resize is ResizeMode.A and tables.linear is not None:
            preprocess_a(
                image, out, *tables.linear, constants, layout=layout, matrix=matrix, stamp=at
            )
        elif tables.antialias is not None:
            preprocess_b(
                image,
                scratch,
                out,
                *tables.antialias,
                constants,
                layout=layout,
                matrix=matrix,
                stamp=at,
            )

    def _run_plain(self, image: torch.Tensor, out: torch.Tensor) -> None:
        if self._resize is ResizeMode.A:
            self._plain.mode_a(self._rgb(image), out)
        elif self._tables.antialias is not None:
            self._plain.mode_b(self._rgb(image), self._tables.antialias, out)

    def _rgb(self, image: torch.Tensor) -> torch.Tensor:
        return to_rgb(image, self._frame.layout, self._frame.matrix)
