"""Single images, folders of images and globs, shown one after another."""

import math
import os
import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import override

import cv2
import numpy as np

from rfviewer import log
from rfviewer.allowed_media import MAX_FRAME_PIXELS
from rfviewer.errors import SourceError
from rfviewer.frame import Frame, SourceInfo, SourceKind, U8Array
from rfviewer.interfaces import FrameSource
from rfviewer.sources.explain import printable
from rfviewer.sources.image_size import has_unassociated_alpha, image_size, is_cut_png

IMAGE_SUFFIXES = frozenset({
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".webp", ".tif", ".tiff",
    ".ppm", ".pgm", ".pnm",
})  # fmt: skip
"""Endings of files that are read as images."""
DEFAULT_FPS = 1.0
"""Images per second unless `?fps=` says otherwise."""
# What OpenCV would write to stderr about damaged files is told in sentences.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)

_MAX_FILE_BYTES = 512 << 20
_SAME_TIME = 1e-6


def is_image_name(path: Path) -> bool:
    """Tell by its name whether a file is read as an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def natural_order(paths: Sequence[Path]) -> list[Path]:
    """Return `paths` sorted as people count: 2.png comes before 10.png."""

    def key(path: Path) -> list[tuple[bool, int, str]]:
        parts = re.split(r"([0-9]+)", str(path).lower())
        return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]

    return sorted(paths, key=lambda path: (key(path), str(path)))


def frame_names(paths: Sequence[Path]) -> list[str]:
    """Return the file names, with folders only as far as they differ: a pattern may span some."""
    folder = os.path.commonpath([path.parent for path in paths]) if paths else ""
    return [path.relative_to(folder).as_posix() for path in paths]


class ImagesSource(FrameSource):
    """Images in natural order at a fixed rate, each in its own size, upright by its EXIF tag.

    Images that cannot be read count as damaged and are left out; their time passes.
    """

    def __init__(self, paths: Sequence[Path], uri: str, fps: float = DEFAULT_FPS) -> None:
        """Show `paths`, which were asked for as `uri`, at `fps` images per second.

        Raises:
            SourceError: when none of them can be read.
        """
        self._paths = natural_order(paths)
        self._names = frame_names(self._paths)
        self._fps = fps
        self._next = 0
        self._stopped = threading.Event()
        self._bad: dict[int, str] = {}
        name = Path(uri).name or uri
        self._open = False
        first = self.read()
        if first is None:
            raise SourceError(next(iter(self._bad.values()), f"{name} could not be read in time."))
        self._open = True
        for error in self._bad.values():  # without a good one the first is told as the refusal
            log.source.warning("left out: %s", error)
        self._next = 0
        count = len(self._paths)
        self._info = SourceInfo(
            uri=uri,
            name=name,
            kind=SourceKind.IMAGES,
            width=first.width,
            height=first.height,
            fps=fps,
            duration_s=count / fps,
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
        return len(self._bad)

    @override
    def read(self) -> Frame | None:
        while self._next < len(self._paths) and not self._stopped.is_set():
            index = self._next
            self._next += 1
            if index in self._bad:
                continue
            try:
                image = read_image(self._paths[index])
            except SourceError as error:
                self._bad[index] = str(error)
                if self._open:
                    log.source.warning("left out: %s", error)
                continue
            height, width = image.shape[:2]
            now_ns = time.monotonic_ns()
            return Frame(
                image,
                width,
                height,
                index,
                index / self._fps,
                now_ns,
                1 / self._fps,
                name=self._names[index],
            )
        return None

    @override
    def seek(self, pts_s: float) -> None:
        wanted = math.ceil(pts_s * self._fps - _SAME_TIME)
        ahead = (i for i in range(max(0, wanted), len(self._paths)) if i not in self._bad)
        self._next = next(ahead, self._last_good(len(self._paths)))

    @override
    def seek_before(self, pts_s: float) -> None:
        self._next = self._last_good(math.ceil(pts_s * self._fps - _SAME_TIME))

    @override
    def interrupt(self) -> None:
        self._stopped.set()

    @override
    def close(self) -> None:
        self._stopped.set()

    def _last_good(self, end: int) -> int:
        """Return the last readable image before place `end`; the first when there is none."""
        back = range(min(end, len(self._paths)) - 1, -1, -1)
        for index in back:
            if index not in self._bad and self._readable(index):
                return index
        return 0

    def _readable(self, index: int) -> bool:
        try:
            read_image(self._paths[index])
        except SourceError as error:
            self._bad[index] = str(error)
            return False
        return True


def read_image(path: Path) -> U8Array:
    """Return (H, W, 3) BGR, turned upright by its EXIF tag.

    Raises:
        SourceError: one sentence.
    """
    name = printable(path.name)
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise SourceError(f"{name} is larger than {_MAX_FILE_BYTES >> 20} MB; scale it down.")
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{name} cannot be read ({error.strerror}); check the file.") from error
    size = image_size(data)
    if size is not None and size[0] * size[1] > MAX_FRAME_PIXELS:
        raise SourceError(
            f"{name} has {size[0]}x{size[1]} pixels, more than "
            f"{MAX_FRAME_PIXELS // 1_000_000} megapixels; scale it down first."
        )
    broken = f"{name} is no image that can be read here, or it is damaged; choose another."
    if size is None or is_cut_png(data):
        raise SourceError(broken)
    try:
        # Bytes instead of a name: OpenCV cannot open every name, and crashes on some.
        image = _decode(data)
    except cv2.error as error:
        raise SourceError(broken) from error
    if image is None or image.ndim != 3:
        raise SourceError(broken)
    return np.ascontiguousarray(image, np.uint8)


def _decode(data: bytes) -> "cv2.typing.MatLike | None":
    """Return (H, W, 3) BGR; nothing for what is no image. Transparency is ignored.

    WORKAROUND: of a TIFF with alpha libtiff returns the colours multiplied with it, as for no other
    format (TIFFReadRGBAImage); that is undone.
    """
    values = np.frombuffer(data, np.uint8)
    if has_unassociated_alpha(data):
        image = cv2.imdecode(values, cv2.IMREAD_UNCHANGED)
        if image is not None and image.dtype == np.uint8 and image.shape[2:] == (4,):
            alpha = np.maximum(image[:, :, 3:].astype(np.float32), 1.0)
            return np.minimum(np.rint(image[:, :, :3] * 255.0 / alpha), 255).astype(np.uint8)
    return cv2.imdecode(values, cv2.IMREAD_COLOR)
