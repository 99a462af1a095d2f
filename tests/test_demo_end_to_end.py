"""The main job, from the command line to the files, against the drawn scene's own masks."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from rfviewer.cli import main

FRAMES = 8
MIN_VISIBLE_PIXELS = 60


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "packaging"))
    yield importlib.import_module("scene")
    for name in [name for name in sys.modules if name.startswith("scene")]:
        del sys.modules[name]


def mask_iou(first: np.ndarray, second: np.ndarray) -> float:
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else 0.0


def box_iou(box: list[float], mask: np.ndarray) -> float:
    ys, xs = np.nonzero(mask)
    other = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    common = max(0.0, width) * max(0.0, height)
    areas = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (box, other))
    return common / (areas - common)


@pytest.mark.slow
# pycocotools returns an array type whose conversion numpy 2.5 calls old-fashioned.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_the_demo_export_finds_what_was_drawn(
    scene: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video, labels = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    code = main(
        ["export", "demo", "-o", str(video), "--labels", str(labels), "--frames", str(FRAMES),
         "--threshold", "0.4", "--json"]
    )  # fmt: skip
    assert code == 0
    report = json.loads(capsys.readouterr().out)
    assert report["frames_in"] == report["frames_out"] == FRAMES
    assert report["frames_damaged"] == 0

    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        times = [frame.time for frame in container.decode(stream)]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
    assert times == pytest.approx([index / 25 for index in range(FRAMES)])

    records = [json.loads(line) for line in labels.read_text(encoding="utf-8").splitlines()]
    assert [record["frame_index"] for record in records] == list(range(FRAMES))
    found = missed = wrong = 0
    for record, truth in zip(records, scene.demo_frames(FRAMES), strict=True):
        objects = {key: truth.ids == key for key in truth.classes if np.any(truth.ids == key)}
        large = {
            key for key, mask in objects.items() if np.count_nonzero(mask) > MIN_VISIBLE_PIXELS
        }
        matched: set[int] = set()
        for detection in record["detections"]:
            segmentation = detection["segmentation"]
            mask = coco_mask.decode(
                {"size": segmentation["size"], "counts": segmentation["counts"].encode()}
            ).astype(bool)
            assert mask.shape == (176, 312)
            overlaps = {
                key: max(mask_iou(mask, other), box_iou(detection["bbox_xyxy"], other))
                for key, other in objects.items()
                if key not in matched and truth.classes[key] == detection["class_id"]
            }
            best = max(overlaps, key=overlaps.__getitem__, default=None)
            if best is not None and overlaps[best] >= 0.5:
                matched.add(best)
            elif np.count_nonzero(mask) > MIN_VISIBLE_PIXELS:
                wrong += 1
        found += len(matched & large)
        missed += len(large - matched)
    assert found / (found + wrong) >= 0.93
    assert found / (found + missed) >= 0.86
