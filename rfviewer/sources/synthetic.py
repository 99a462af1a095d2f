"""A moving test pattern that carries its frame number, for people and for programs."""

import itertools
import re
import threading
import time
from typing import override

import cv2
import numpy as np

from rfviewer.allowed_media import MAX_FRAME_PIXELS
from rfviewer.errors import UsageError
from rfviewer.frame import Frame, SourceInfo, SourceKind, U8Array
from rfviewer.interfaces import FrameSource

_PATTERN = re.compile(
    r"synthetic(?::(\d{1,6})x(\d{1,6})(?:@(\d{1,4}(?:\.\d+)?))?)?(?:,frames=(\d+))?"
)
_MIN_SIDE = 48
_DATA_BITS = 20
_BLOCKS = 24
"""White, black, 20 bits with the highest first, even parity, white."""
_SPEED_PX = 3
"""Pixels by which the background moves from frame to frame."""


def write_frame_index(image: U8Array, frame_index: int) -> None:
    """Draw `frame_index` modulo 2^20 into the top rows of `image`, (H, W, 3), in place.

    One row of 24 black and white blocks over the whole width survives H.264 and scaling.
    """
    height, width = image.shape[:2]
    value = frame_index % (1 << _DATA_BITS)
    bits = [value >> (_DATA_BITS - 1 - place) & 1 for place in range(_DATA_BITS)]
    edges = np.linspace(0, width, _BLOCKS + 1).round().astype(int)
    for bit, left, right in zip(
        (1, 0, *bits, sum(bits) % 2, 1), edges[:-1], edges[1:], strict=True
    ):
        image[: _block_height(height), left:right] = 255 * bit


def read_frame_index(image: U8Array) -> int | None:
    """Return the number that `write_frame_index` drew into an image, (H, W, 3) or (H, W).

    None when the blocks are not there or contradict their parity.
    """
    height, width = image.shape[:2]
    rows = image[height // 100 : max(height // 100 + 1, _block_height(height) * 3 // 4)]
    edges = np.linspace(0, width, _BLOCKS + 1)
    bits = []
    for left, right in itertools.pairwise(edges):
        quarter = (right - left) / 4
        block = rows[:, int(left + quarter) : max(int(left + quarter) + 1, int(right - quarter))]
        bits.append(int(block.mean() > 127))
    data = bits[2 : 2 + _DATA_BITS]
    if bits[:2] != [1, 0] or bits[-1] != 1 or bits[-2] != sum(data) % 2:
        return None
    return int("".join(map(str, data)), 2)


def _block_height(height: int) -> int:
    return max(4, height // 12)


class SyntheticSource(FrameSource):
    """`synthetic:WxH@FPS`, endless unless `,frames=N` follows. Frame N always looks the same."""

    def __init__(self, text: str) -> None:
        """Make the pattern that `text` asks for; the plain word is 640x360 at 30 fps.

        Raises:
            UsageError: when the text is malformed or the size is out of range.
        """
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise UsageError(
                f"{text} is no test pattern; write synthetic:640x360@30, perhaps with ,frames=100."
            )
        width, height = int(match[1] or 640), int(match[2] or 360)
        fps, count = float(match[3] or 30), int(match[4]) if match[4] else None
        if min(width, height) < _MIN_SIDE or width * height > MAX_FRAME_PIXELS:
            raise UsageError(
                f"A test pattern must be at least {_MIN_SIDE} pixels wide and high and at most "
                f"{MAX_FRAME_PIXELS // 1_000_000} megapixels, not {width}x{height}."
            )
        if not 0 < fps <= 1000 or count == 0:
            raise UsageError(f"{text} needs a rate above 0 up to 1000 and at least one frame.")
        self._fps = fps
        self._next = 0
        self._stopped = threading.Event()
        self._background = _background(width, height)
        self._info = SourceInfo(
            uri=text,
            name=f"synthetic {width}x{height}",
            kind=SourceKind.SYNTHETIC,
            width=width,
            height=height,
            fps=fps,
            duration_s=count / fps if count else None,
            frame_count=count,
            seekable=True,
        )

    @property
    @override
    def info(self) -> SourceInfo:
        return self._info

    @property
    @override
    def damaged(self) -> int:
        return 0

    @override
    def read(self) -> Frame | None:
        index = self._next
        if self._stopped.is_set() or index == self._info.frame_count:
            return None
        self._next += 1
        image = self._draw(index)
        width, height = self._info.width, self._info.height
        now_ns = time.monotonic_ns()
        return Frame(image, width, height, index, index / self._fps, now_ns, 1 / self._fps)

    @override
    def seek(self, pts_s: float) -> None:
        self._next = self._clamp(int(np.ceil(pts_s * self._fps - 1e-6)))

    @override
    def seek_before(self, pts_s: float) -> None:
        self._next = self._clamp(int(np.ceil(pts_s * self._fps - 1e-6)) - 1)

    @override
    def interrupt(self) -> None:
        self._stopped.set()

    @override
    def close(self) -> None:
        self._stopped.set()

    def _clamp(self, index: int) -> int:
        last = index if self._info.frame_count is None else self._info.frame_count - 1
        return max(0, min(index, last))

    def _draw(self, index: int) -> U8Array:
        width, height = self._info.width, self._info.height
        left = index * _SPEED_PX % width
        image: U8Array = self._background[:, left : left + width].copy()
        radius = max(6, min(width, height) // 10)
        center = (_bounce(index * 5, radius, width), _bounce(index * 4 + height, radius, height))
        cv2.circle(image, center, radius, (40, 40, 230), -1)
        scale = max(0.4, height / 360)
        thickness = max(1, round(scale * 2))
        place = (width // 24, height - height // 12)
        for color, extra in (((0, 0, 0), 2 * thickness), ((255, 255, 255), 0)):
            cv2.putText(
                image, str(index), place, cv2.FONT_HERSHEY_SIMPLEX, scale, color, thickness + extra
            )
        write_frame_index(image, index)
        return image


def _bounce(position: int, margin: int, length: int) -> int:
    """Return a coordinate that runs to and fro inside `length`, keeping `margin` from the ends."""
    span = max(1, length - 2 * margin)
    return margin + abs((position + span) % (2 * span) - span)


def _background(width: int, height: int) -> U8Array:
    """Return (H, 2 W, 3): colour bars under a slant of light, periodic in W."""
    x = np.arange(2 * width) % width / width
    y = np.arange(height)[:, None] / height
    waves = [np.sin(2 * np.pi * (x * k + phase)) for k, phase in ((1, 0.0), (2, 0.33), (3, 0.67))]
    image = np.stack([127 + 70 * wave + 45 * (y - 0.5) for wave in waves], axis=-1)
    return np.clip(image, 0, 255).astype(np.uint8)
