"""The resampling tables of one frame format on the device, cached or rebuilt for every frame.

Rebuilding writes into the same tensors, so a captured graph follows it. Then every slot needs its
own: another slot's frame may still be reading.
"""

from collections.abc import Iterator

import torch

from rfviewer.config import ResizeMode
from rfviewer.engine.cuda.frame_format import FrameFormat
from rfviewer_kernels.fetch import needed_pieces
from rfviewer_kernels.masks import MaskTables
from rfviewer_kernels.tables import AntialiasTable, LinearTable, antialias_table, linear_table

_HOST = torch.device("cpu")

type AxisTables[T] = tuple[T, T]
"""Rows, then columns."""


class FrameTables:
    """Tables of preprocess and masks for one frame format and one network."""

    def __init__(
        self,
        frame: FrameFormat,
        input_hw: tuple[int, int],
        mask_hw: tuple[int, int] | None,
        resize: ResizeMode,
        device: torch.device,
    ) -> None:
        self._frame = frame
        self._input_hw = input_hw
        self._mask_hw = mask_hw
        self._resize = resize
        linear, antialias, masks, pieces = self._build()
        self.linear: AxisTables[LinearTable] | None = _to(linear, device)
        """Mode A's taps; None in mode B."""
        self.antialias: AxisTables[AntialiasTable] | None = _to(antialias, device)
        """Mode B's taps; None in mode A."""
        self.masks: MaskTables | None = None if masks is None else _masks_to(masks, device)
        """None for a network without masks."""
        self.pieces: torch.Tensor | None = None if pieces is None else pieces.to(device)
        """(n,) int32, what mode A reads of a frame (`fetch`); None where that is everything."""

    def rebuild(self) -> None:
        """Compute every table again on the host and upload it on the current stream."""
        present = _tensors(self.linear, self.antialias, self.masks, self.pieces)
        for target, source in zip(present, _tensors(*self._build()), strict=True):
            target.copy_(source)

    def _build(
        self,
    ) -> tuple[
        AxisTables[LinearTable] | None,
        AxisTables[AntialiasTable] | None,
        MaskTables | None,
        torch.Tensor | None,
    ]:
        (in_h, in_w), (width, height) = self._input_hw, self._frame.wh
        linear = antialias = masks = pieces = None
        if self._resize is ResizeMode.A:
            linear = linear_table(height, in_h), linear_table(width, in_w)
            pieces = needed_pieces(linear[0], width, self._frame.layout)
        else:
            antialias = antialias_table(height, in_h), antialias_table(width, in_w)
        if self._mask_hw is not None:
            mask_h, mask_w = self._mask_hw
            masks = MaskTables.make((mask_w, mask_h), self._frame.wh, _HOST)
        return linear, antialias, masks, pieces


def _to[T: (LinearTable, AntialiasTable)](
    tables: AxisTables[T] | None, device: torch.device
) -> AxisTables[T] | None:
    return None if tables is None else (tables[0].to(device), tables[1].to(device))


def _masks_to(tables: MaskTables, device: torch.device) -> MaskTables:
    for runs in (tables.runs_y, tables.runs_x):
        runs.start, runs.end = runs.start.to(device), runs.end.to(device)
    return MaskTables(tables.y.to(device), tables.x.to(device), tables.runs_y, tables.runs_x)


def _tensors(
    linear: AxisTables[LinearTable] | None,
    antialias: AxisTables[AntialiasTable] | None,
    masks: MaskTables | None,
    pieces: torch.Tensor | None,
) -> Iterator[torch.Tensor]:
    """Yield every tensor in a fixed order."""
    if pieces is not None:
        yield pieces
    axes = [*(linear or ())]
    if masks is not None:
        axes += [masks.y, masks.x]
        for runs in (masks.runs_y, masks.runs_x):
            yield runs.start
            yield runs.end
    for table in axes:
        yield from (table.first, table.second, table.weight)
    for kernel in antialias or ():
        yield from (kernel.start, kernel.weights)
