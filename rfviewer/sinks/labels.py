"""Labels as JSONL: one object per inferred frame, on disk as soon as it is known."""

import errno
import json
import os
from collections.abc import Mapping, Sequence
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rfviewer import log
from rfviewer.detections import Detections
from rfviewer.errors import SinkError
from rfviewer.frames_text import frames_text
from rfviewer.interfaces import SinkItem
from rfviewer.sinks.faults import cannot_create, cannot_write
from rfviewer.sinks.free_space import FreeSpace
from rfviewer.sinks.rle import encode_masks


class JsonlSink:
    """Writes frame_index, pts_s, width, height and the detections of each inferred frame.

    Frames of image folders have a file_name too, which leads back to the image. The first line
    has made_with: versions, settings and the command line.
    Every line goes to the system at once, so a crash costs at most the line being written.
    Implements `interfaces.Sink`.
    """

    def __init__(
        self,
        path: Path,
        class_names: Sequence[str | None],
        *,
        overwrite: bool = False,
        made_with: Mapping[str, str] | None = None,
    ) -> None:
        self.path = path
        self.notice = ""
        self._class_names = class_names
        self._overwrite = overwrite
        self._made_with = made_with
        self._file: FileIO | None = None
        self._size_bytes = 0
        self._space = FreeSpace(path.parent)
        self.partial: Path | None = None
        """None: the labels are written under their own name."""
        self.frames = 0
        """Lines written."""

    @property
    def needs_image(self) -> bool:
        """Labels are made from detections alone."""
        return False

    @property
    def size_bytes(self) -> int:
        """Bytes written so far."""
        return self._size_bytes

    def write(self, item: SinkItem) -> None:
        """Append one line if the detections were found on this very frame.

        Raises:
            SinkError: when it cannot be written; the lines before are kept.
        """
        if not item.inferred:
            return
        if self._file is None:
            raise SinkError(f"The labels {self.path} are not open; start a new recording.")
        record = frame_record(item, self._class_names)
        if self._made_with and not self.frames:
            record["made_with"] = dict(self._made_with)
        line = json.dumps(record, separators=(",", ":")) + "\n"
        try:
            _write_all(self._file, line.encode("ascii"))
            if os.fstat(self._file.fileno()).st_nlink == 0:
                raise FileNotFoundError(errno.ENOENT, "removed by someone else")
        except OSError as error:
            self._cut_half_a_line()
            kept = f"The labels of {frames_text(self.frames)} are kept"
            raise cannot_write(self.path, error, kept) from error
        self.frames += 1
        self._size_bytes += len(line)
        self.notice = self.notice or self._space.warning(self._size_bytes)

    def hurry(self, until_s: float) -> None:
        """Nothing can be left out here."""

    def __enter__(self) -> Self:
        try:
            # Unbuffered: what `write` returned from is with the operating system.
            self._file = self.path.open("wb" if self._overwrite else "xb", buffering=0)
        except OSError as error:
            raise cannot_create(self.path, error) from error
        self._space = FreeSpace(self.path.parent)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            self.notice = ""  # that the disk ran full is no news any more

    def _cut_half_a_line(self) -> None:
        # Half a line would make the whole file unreadable for strict readers.
        if self._file is not None:
            try:
                self._file.truncate(self._size_bytes)
            except OSError as error:
                log.sink.warning("the last line of %s stays cut off: %s", self.path, error)


def frame_record(item: SinkItem, class_names: Sequence[str | None]) -> dict[str, Any]:
    """Return what one line says. Boxes to 0.001 px, scores to 0.000001, times to 1 µs."""
    frame = item.frame
    name = {"file_name": frame.name} if frame.name else {}
    return {
        "frame_index": frame.frame_index,
        **name,
        "pts_s": round(frame.pts_s, 6),
        "width": frame.width,
        "height": frame.height,
        "detections": _detection_records(item.detections, class_names),
    }


def name_of(class_names: Sequence[str | None], class_id: int) -> str | None:
    """Return the name of a class, None when it has none."""
    return class_names[class_id] if 0 <= class_id < len(class_names) else None


def _write_all(file: FileIO, data: bytes) -> None:
    while data:
        data = data[file.write(data) :]


def _detection_records(
    detections: Detections, class_names: Sequence[str | None]
) -> list[dict[str, Any]]:
    masks = detections.masks
    segmentations = [None] * len(detections) if masks is None else list(encode_masks(masks))
    columns = (detections.class_ids, detections.scores, detections.boxes_xyxy)
    return [
        {
            "class_id": int(class_id),
            "class_name": name_of(class_names, int(class_id)),
            "score": round(float(score), 6),
            "bbox_xyxy": [round(float(value), 3) for value in box],
            "segmentation": segmentation,
        }
        for class_id, score, box, segmentation in zip(*columns, segmentations, strict=True)
    ]
