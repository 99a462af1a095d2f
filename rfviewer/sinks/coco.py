"""COCO JSON, assembled from labels in JSONL at the end of a recording."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO, Self

from rfviewer import log
from rfviewer.errors import SinkError
from rfviewer.interfaces import SinkItem
from rfviewer.sinks.faults import cannot_create
from rfviewer.sinks.labels import JsonlSink
from rfviewer.sinks.names import free_path, safe_stem
from rfviewer.sinks.partial import hold, may_hold_while_renaming
from rfviewer.sinks.publish import publish
from rfviewer.sinks.rle import Rle, decompress
from rfviewer.sinks.running import RecordedKind, RunningFile, RunningFiles


class CocoSink:
    """Writes labels as JSONL while running and a COCO file from them at the end.

    Implements `interfaces.Sink`. The labels stay when they were asked for; so they do when the
    assembly fails, since everything can be made from them again.
    """

    def __init__(
        self,
        path: Path,
        labels: JsonlSink,
        *,
        source_name: str,
        class_names: Sequence[str | None],
        info: dict[str, str],
        keep_labels: bool,
        overwrite: bool = False,
        running: RunningFiles | None = None,
    ) -> None:
        self.path = path
        self.notice = ""
        self.partial: Path | None = None if keep_labels else labels.path
        self.labels = labels
        self._source_name = source_name
        self._class_names = class_names
        self._info = info
        self._keep_labels = keep_labels
        self._overwrite = overwrite
        self._running = running
        self._entry: Path | None = None
        self._held: BinaryIO | None = None

    @property
    def needs_image(self) -> bool:
        """Labels are made from detections alone."""
        return False

    @property
    def size_bytes(self) -> int:
        """Bytes of labels written so far."""
        return self.labels.size_bytes

    def write(self, item: SinkItem) -> None:
        """Append one frame to the labels.

        Raises:
            SinkError: when it cannot be written.
        """
        self.labels.write(item)
        self.notice = self.labels.notice

    def hurry(self, until_s: float) -> None:
        """Nothing can be left out here."""

    def __enter__(self) -> Self:
        self.labels.__enter__()
        if self._running is not None:
            # Held, so that a window that starts meanwhile does not take it for left behind.
            self._held = hold(self.labels.path)
            self._entry = self._running.begin(self._note())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.labels.__exit__(kind, error, trace)
        self.notice = ""
        if self._held is not None and not may_hold_while_renaming():
            self._held.close()
        temporary = free_path(self.path.with_name(f"{self.path.stem}.partial{self.path.suffix}"))
        try:
            coco_from_jsonl(
                self.labels.path, temporary, self._source_name, self._class_names, self._info
            )
            self.path = publish(temporary, self.path, overwrite=self._overwrite)
        except OSError as fault:
            temporary.unlink(missing_ok=True)
            failure = SinkError(
                f"{cannot_create(self.path, fault)} The labels are kept in {self.labels.path}."
            )
            if error is None:
                raise failure from fault
            log.sink.warning("%s", failure)
            return
        if not self._keep_labels:
            self.labels.path.unlink(missing_ok=True)
        if self._running is not None:
            self._running.end(self._entry)
        if self._held is not None:
            self._held.close()

    def _note(self) -> RunningFile:
        return RunningFile(
            kind=RecordedKind.COCO,
            partial=str(self.labels.path.absolute()),
            target=str(self.path.absolute()),
            source_name=self._source_name,
            class_names=tuple(self._class_names),
            info=self._info,
        )


def coco_from_jsonl(
    labels: Path,
    output: Path,
    source_name: str,
    class_names: Sequence[str | None],
    info: dict[str, str],
) -> int:
    """Write the COCO file of `labels`; return how many frames it is of.

    Memory does not grow with the length of the recording.
    `image_id` is the frame index; a frame that was labelled twice, as after a seek back, counts
    once, as labelled first. Class ids stay those of the model, gaps included. `file_name` is that
    of the image, or for a video the name that an exported frame would have.

    Raises:
        OSError: when a file cannot be read or written.
    """
    stem = safe_stem(source_name)
    seen_classes: dict[int, str | None] = {
        class_id: name for class_id, name in enumerate(class_names) if name
    }
    with output.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"info":' + json.dumps({"description": stem, **info}))
        images = (_image(record, stem) for record in _records(labels))
        count = _write_list(file, "images", images)
        _write_list(file, "annotations", _annotations(labels, seen_classes))
        categories = (
            {"id": class_id, "name": name or f"class {class_id}", "supercategory": ""}
            for class_id, name in sorted(seen_classes.items())
        )
        _write_list(file, "categories", categories)
        file.write("}\n")
    return count


def _records(labels: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of `labels`, each frame once; a last line cut off by a crash is left out."""
    seen: set[int] = set()
    with labels.open(encoding="utf-8") as file:
        for line in file:
            if not line.endswith("\n"):
                return
            try:
                record: dict[str, Any] = json.loads(line)
            except ValueError:
                log.sink.warning("%s holds a damaged line, which is left out", labels.name)
                continue
            if record["frame_index"] not in seen:
                seen.add(record["frame_index"])
                yield record


def _image(record: dict[str, Any], stem: str) -> dict[str, Any]:
    frame_index = record["frame_index"]
    return {
        "id": frame_index,
        "file_name": record.get("file_name") or f"{stem}-{frame_index:06d}.png",
        "width": record["width"],
        "height": record["height"],
        "pts_s": record["pts_s"],
    }


def _annotations(labels: Path, classes: dict[int, str | None]) -> Iterator[dict[str, Any]]:
    """Yield one annotation per detection; classes met on the way are added to `classes`."""
    number = 0
    for record in _records(labels):
        for found in record["detections"]:
            number += 1
            classes.setdefault(found["class_id"], found["class_name"])
            x0, y0, x1, y1 = found["bbox_xyxy"]
            width, height = round(x1 - x0, 3), round(y1 - y0, 3)
            rle: Rle | None = found["segmentation"]
            annotation = {
                "id": number,
                "image_id": record["frame_index"],
                "category_id": found["class_id"],
                "bbox": [x0, y0, width, height],
                "area": round(width * height, 3) if rle is None else area_of(rle),
                "iscrowd": 0,
                "score": found["score"],
            }
            if rle is not None:
                annotation["segmentation"] = rle
            yield annotation


def area_of(rle: Rle) -> int:
    """Return the number of set pixels."""
    return int(decompress(rle["counts"])[1::2].sum())


def _write_list(file: IO[str], key: str, items: Iterator[dict[str, Any]]) -> int:
    """Write a list as the value of `key`; return its length."""
    file.write(f',\n"{key}":[')
    count = 0
    for item in items:
        file.write(",\n" if count else "\n")
        file.write(json.dumps(item, separators=(",", ":")))
        count += 1
    file.write("\n]")
    return count
