"""A camera through OpenCV: opened by path, newest frame, loss noticed."""

import errno
import os
import sys
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, override

import cv2
import numpy as np

from rfviewer import log
from rfviewer.errors import SourceError
from rfviewer.frame import Frame, SourceInfo, SourceKind, U8Array
from rfviewer.interfaces import FrameSource
from rfviewer.sources.cameras import CameraInfo, device_is_busy

_WANTED_WIDTH, _WANTED_HEIGHT, _WANTED_FPS = 1280, 720, 30
_FROZEN_S = 1.5
"""A camera whose noise stops for so long delivers old buffers (ZoneMinder issue 3724)."""
_RECENT = 8
"""Pictures to compare with: a driver may repeat all of its buffers in turn."""
_CHECK_EVERY_S = 0.5
_SAMPLE_STEP = 8


class Capture(Protocol):
    """The part of `cv2.VideoCapture` that is used here; tests put a fake in its place."""

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        """Tell whether the device is open."""

    def set(self, propId: int, value: float) -> bool:  # noqa: N803 - OpenCV's name
        """Ask for a setting; the device takes what it can."""

    def get(self, propId: int) -> float:  # noqa: N803 - OpenCV's name
        """Return a setting in effect; 0 or less when unknown."""

    def grab(self) -> bool:
        """Wait for the next picture; False when there is none."""

    def retrieve(self) -> tuple[bool, U8Array | None]:
        """Decode the grabbed picture to BGR."""

    def release(self) -> None:
        """Close the device. Idempotent."""


type OpenCapture = Callable[[str | int, int], Capture]
"""Opens (path or number, OpenCV interface)."""


def open_capture(device: str | int, backend: int) -> Capture:
    """Open a camera with OpenCV; blocks, sometimes for seconds."""
    return cv2.VideoCapture(device, backend)  # type: ignore[return-value]


class CameraSource(FrameSource):
    """A live camera. `read` blocks until the next picture; newest-wins is up to the reader."""

    def __init__(self, camera: CameraInfo, capture: OpenCapture = open_capture) -> None:
        """Open `camera` and wait for its first picture.

        Raises:
            SourceError: one sentence.
        """
        self._camera = camera
        self._interrupt = threading.Event()
        self._count = 0
        self._first_ns = 0
        self._varied = False
        self._recent: deque[int] = deque(maxlen=_RECENT)
        self._changed_ns = self._checked_ns = time.monotonic_ns()
        by_path = sys.platform == "linux" and bool(camera.path)
        try:
            self._capture = capture(camera.path if by_path else camera.index, camera.backend)
        except (cv2.error, OSError) as error:
            log.source.info("camera %s: %s", camera.name, error)
            raise SourceError(self._why_not_opened(error)) from error
        try:
            first = self._first_picture()
        except BaseException:
            self._capture.release()
            raise
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._pending: Frame | None = first
        self._info = SourceInfo(
            uri=f"camera:{camera.index}",
            name=camera.name,
            kind=SourceKind.CAMERA,
            width=first.width,
            height=first.height,
            fps=fps if 1 <= fps <= 1000 else None,
            live=True,
            codec=_fourcc(self._capture.get(cv2.CAP_PROP_FOURCC)),
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
        if self._interrupt.is_set():
            return None
        if self._pending is not None:
            frame, self._pending = self._pending, None
            return frame
        return self._grab(lost=self._lost())

    @override
    def seek(self, pts_s: float) -> None:
        raise SourceError(f"{self._camera.name} is live and has no other position.")

    @override
    def seek_before(self, pts_s: float) -> None:
        self.seek(pts_s)

    @override
    def interrupt(self) -> None:
        """End reading with the next picture; a driver that hangs cannot be woken from here."""
        self._interrupt.set()

    @override
    def close(self) -> None:
        self._interrupt.set()
        self._capture.release()

    def _first_picture(self) -> Frame:
        if not self._capture.isOpened():
            raise SourceError(self._why_not_opened())
        self._ask_for_format()
        try:
            return self._grab(lost="")
        except SourceError as error:
            raise SourceError(self._why_not_opened(error.__cause__)) from error

    def _ask_for_format(self) -> None:
        """Ask for compressed 720p at 30 fps; cameras take what they can.

        Uncompressed 720p does not fit through USB 2 at 30 fps, and one buffer keeps it fresh.
        """
        for property_id, value in (
            (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
            (cv2.CAP_PROP_FRAME_WIDTH, _WANTED_WIDTH),
            (cv2.CAP_PROP_FRAME_HEIGHT, _WANTED_HEIGHT),
            (cv2.CAP_PROP_FPS, _WANTED_FPS),
            (cv2.CAP_PROP_BUFFERSIZE, 1),
        ):
            self._capture.set(property_id, value)

    def _grab(self, lost: str) -> Frame:
        """Return the next picture, or raise SourceError(`lost`)."""
        try:
            grabbed = self._capture.grab()
            now_ns = time.monotonic_ns()
            ok, picture = self._capture.retrieve() if grabbed else (False, None)
        except (cv2.error, OSError) as error:
            raise SourceError(lost) from error
        if not ok or picture is None or picture.ndim != 3 or not picture.size:
            raise SourceError(lost)
        self._check_alive(picture, now_ns)
        if self._count == 0:
            self._first_ns = now_ns
        height, width = picture.shape[:2]
        frame = Frame(
            np.ascontiguousarray(picture, np.uint8),
            width,
            height,
            self._count,
            (now_ns - self._first_ns) / 1e9,
            now_ns,
        )
        self._count += 1
        return frame

    def _check_alive(self, picture: U8Array, now_ns: int) -> None:
        """Raise SourceError when the device is gone or only repeats its last pictures.

        Drivers may go on delivering old buffers after a camera is unplugged. A camera that never
        changed may be a virtual one with a still picture, and one colour all over may be a covered
        lens: both are let be.
        """
        sample = np.ascontiguousarray(picture[::_SAMPLE_STEP, ::_SAMPLE_STEP])
        mark = zlib.crc32(sample)
        if mark not in self._recent or sample.min() == sample.max():
            self._varied = self._varied or bool(self._recent)
            self._recent.append(mark)
            self._changed_ns = now_ns
        elif self._varied and now_ns - self._changed_ns > _FROZEN_S * 1e9:
            raise SourceError(self._lost())
        if now_ns - self._checked_ns > _CHECK_EVERY_S * 1e9:
            self._checked_ns = now_ns
            if self._camera.path.startswith("/dev/") and not Path(self._camera.path).exists():
                raise SourceError(self._lost())

    def _lost(self) -> str:
        return f"Camera lost: {self._camera.name} sends no pictures; check its cable."

    def _why_not_opened(self, error: BaseException | None = None) -> str:
        name, path = self._camera.name, self._camera.path
        if path.startswith("/dev/"):
            if not Path(path).exists():
                return f"{name} is not connected any more; connect it and try again."
            if not os.access(path, os.R_OK | os.W_OK):
                return f"{name} may not be used by this user; add the user to the group video."
        if getattr(error, "errno", None) == errno.EBUSY or device_is_busy(path):
            return f"{name} is in use by another program; close that program, or choose another."
        return f"{name} is in use by another program or sends no pictures; close that program."


def _fourcc(number: float) -> str:
    """Return the four letters of a pixel format; empty when there are none."""
    letters = int(number).to_bytes(8, "little", signed=True)[:4]
    return letters.decode("ascii").strip() if letters.isalnum() else ""
