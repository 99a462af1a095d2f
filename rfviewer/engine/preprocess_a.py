"""Preprocess mode A: bilinear resize without antialiasing, as RFDETR.predict() of rfdetr 1.11.2.

Per pixel `(bilinear(u8 / 255) - mean) / std` with the taps of `linear_table`, RGB, CHW, fp32.
The reference does one op after the other over the whole frame; the fused variant touches only the
texels that are used and folds /255, mean and std into one multiply-add. They differ by rounding:
at most 2e-6 in normalised units. Needs numpy and OpenCV.
"""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from rfviewer.engine.normalize import BIAS_RGB, GAIN_RGB, normalize, normalize_in_passes
from rfviewer.engine.tables import LinearTable, TableCache, linear_table
from rfviewer.errors import EngineError
from rfviewer.frame import U8Array
from rfviewer.models.spec import F32Array

_MAX_SIDE_PX = 32767
"""OpenCV's remap takes whole positions as 16-bit numbers."""

_NO_SECOND_MAP: Any = None
"""OpenCV's stubs do not know that whole positions need no second map."""

type Sizes = tuple[tuple[int, int], tuple[int, int]]
"""(width, height) of the frame, then of the network input."""


@dataclass(frozen=True, slots=True, eq=False)
class PlanA:
    """What mode A needs to know about one pair of sizes. Read-only."""

    rows: LinearTable
    columns: LinearTable
    texels_xy: NDArray[np.int16]
    """(4 * h, w, 2) source position of the taps 00, 01, 10, 11, one block of h rows for each."""

    @classmethod
    def build(cls, sizes: Sizes) -> Self:
        """Make the plan for frame size and network input size, each (width, height).

        Raises:
            EngineError: the frame is too large.
        """
        (frame_w, frame_h), (w, h) = sizes
        if max(frame_w, frame_h) > _MAX_SIDE_PX:
            raise EngineError(
                f"A frame of {frame_w}x{frame_h} is too large for resize mode A, at most"
                f" {_MAX_SIDE_PX} pixels a side fit; make the source smaller or use mode B."
            )
        rows, columns = linear_table(frame_h, h), linear_table(frame_w, w)
        texels_xy = np.empty((2, 2, h, w, 2), np.int16)
        texels_xy[..., 0] = np.stack([columns.first, columns.second])[None, :, None, :]
        texels_xy[..., 1] = np.stack([rows.first, rows.second])[:, None, :, None]
        return cls(rows, columns, texels_xy.reshape(4 * h, w, 2))


class PreprocessA:
    """Mode A for one frame size, with the buffers of one slot. One thread at a time."""

    def __init__(
        self,
        sizes: Sizes,
        plans: TableCache[Sizes, PlanA],
        *,
        fused: bool,
        constants: bool = True,
    ) -> None:
        """Make buffers; `constants` False normalises in three passes behind the fused resize."""
        self._constants = constants
        self._sizes = sizes
        self._plans = plans
        self._fused = fused
        w, h = sizes[1]
        self._texels: NDArray[np.uint8] = np.empty((4 * h, w, 3), np.uint8)
        self._planes: list[Any] = [np.empty((4 * h, w), np.uint8) for _ in range(3)]
        self._scratch: tuple[F32Array, F32Array] = (
            np.empty((h, w), np.float32),
            np.empty((h, w), np.float32),
        )

    def run(self, image: U8Array, out: F32Array) -> None:
        """Write the network input (3, h, w) for `image`, BGR (H, W, 3), into `out`."""
        plan = self._plans.get(self._sizes)
        if self._fused:
            self._run_fused(image, plan, out)
        else:
            out[...] = reference_a(image, plan)

    def _run_fused(self, image: U8Array, plan: PlanA, out: F32Array) -> None:
        # A nearest-neighbour remap at whole positions is an exact gather, several times faster
        # than numpy's. Lerps follow in numpy: cv2.resize rounds coordinates differently.
        cv2.remap(image, plan.texels_xy, _NO_SECOND_MAP, cv2.INTER_NEAREST, self._texels)
        cv2.split(self._texels, self._planes)
        w, h = self._sizes[1]
        left, right = plan.columns.weight0[None], plan.columns.weight1[None]
        upper, lower = plan.rows.weight0[:, None], plan.rows.weight1[:, None]
        bottom, product = self._scratch
        for channel in range(3):
            p00, p01, p10, p11 = self._planes[2 - channel].reshape(4, h, w)  # BGR -> RGB
            top = out[channel]
            np.multiply(p00, left, out=top)
            np.multiply(p01, right, out=product)
            np.add(top, product, out=top)
            np.multiply(p10, left, out=bottom)
            np.multiply(p11, right, out=product)
            np.add(bottom, product, out=bottom)
            np.multiply(top, upper, out=top)
            np.multiply(bottom, lower, out=bottom)
            np.add(top, bottom, out=top)
            if self._constants:
                np.multiply(top, GAIN_RGB[channel], out=top)
                np.add(top, BIAS_RGB[channel], out=top)
            else:
                normalize_in_passes(top, channel, top)


def reference_a(image: U8Array, plan: PlanA) -> F32Array:
    """Return the network input (3, h, w) of `image`, BGR (H, W, 3), one plain op after the other.

    The order of operations of rfdetr 1.11.2: /255, resize, normalise. Allocates.
    """
    scaled = image[:, :, ::-1].astype(np.float32) / np.float32(255)
    x0, x1 = plan.columns.weight0[None, :, None], plan.columns.weight1[None, :, None]
    y0, y1 = plan.rows.weight0[:, None, None], plan.rows.weight1[:, None, None]
    upper, lower = scaled[plan.rows.first], scaled[plan.rows.second]
    first, second = plan.columns.first, plan.columns.second
    resized = y0 * (x0 * upper[:, first] + x1 * upper[:, second]) + y1 * (
        x0 * lower[:, first] + x1 * lower[:, second]
    )
    return normalize(resized.transpose(2, 0, 1))


def plans_a(*, enabled: bool) -> TableCache[Sizes, PlanA]:
    """Return the cache of mode A's plans, shared by the slots of one engine."""
    return TableCache(PlanA.build, enabled=enabled)
