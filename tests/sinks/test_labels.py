import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from rfviewer.detections import Detections
from rfviewer.errors import SinkError
from rfviewer.sinks.coco import CocoSink
from rfviewer.sinks.labels import JsonlSink
from rfviewer.sinks.rle import decode
from tests.sinks.media import NAMES, detections_of, item


def two_masks():
    dense = np.zeros((2, 48, 64), bool)
    dense[0, 10:30, 8:40] = True
    dense[1, 0, 63] = True
    return dense


def write(path, items, **options):
    with JsonlSink(path, NAMES, **options) as sink:
        for each in items:
            sink.write(each)
    return sink


def test_one_object_per_inferred_frame(tmp_path):
    path = tmp_path / "out.jsonl"
    dense = two_masks()
    found = detections_of(dense, [3, 77])
    sink = write(
        path,
        [
            item(0, detections=found, pts_s=0.1234567891),
            item(1, detections=found, inferred=False),
            item(2),
        ],
    )
    lines = path.read_text().splitlines()
    first, second = map(json.loads, lines)
    assert list(first) == ["frame_index", "pts_s", "width", "height", "detections"]
    assert (first["frame_index"], first["pts_s"]) == (0, 0.123457)
    assert (first["width"], first["height"]) == (64, 48)
    car, unknown = first["detections"]
    assert list(car) == ["class_id", "class_name", "score", "bbox_xyxy", "segmentation"]
    assert (car["class_id"], car["class_name"], car["score"]) == (3, "car", 0.95)
    assert car["bbox_xyxy"] == [8.123, 10.123, 40.123, 30.123]
    assert (unknown["class_id"], unknown["class_name"]) == (77, None)
    for record, mask in zip((car, unknown), dense, strict=True):
        np.testing.assert_array_equal(decode(record["segmentation"]), mask)
    assert second == {
        "frame_index": 2,
        "pts_s": 0.08,
        "width": 64,
        "height": 48,
        "detections": [],
    }
    assert sink.size_bytes == path.stat().st_size
    assert sink.frames == 2


def test_detections_without_masks_have_no_segmentation(tmp_path):
    boxes = Detections(
        np.ones((1, 4), np.float32), np.ones(1, np.float32), np.ones(1, np.int32), None
    )
    write(tmp_path / "out.jsonl", [item(0, detections=boxes)])
    (record,) = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert record["detections"][0]["segmentation"] is None


def test_each_line_is_on_disk_when_write_returns(tmp_path):
    path = tmp_path / "out.jsonl"
    with JsonlSink(path, NAMES) as sink:
        for i in range(3):
            sink.write(item(i))
            assert path.read_text().count("\n") == i + 1


def test_an_existing_file_is_not_overwritten_unless_asked(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    with pytest.raises(SinkError, match="exists"), JsonlSink(path, NAMES):
        pass
    assert path.read_text() == "old"
    write(path, [item(0)], overwrite=True)
    assert json.loads(path.read_text())["frame_index"] == 0


def test_hostile_class_names_stay_one_valid_line(tmp_path):
    found = detections_of(two_masks()[:1], [0])
    with JsonlSink(tmp_path / "out.jsonl", ['a"b\n\x1b\udcff<b>人']) as sink:
        sink.write(item(0, detections=found))
    (line,) = (tmp_path / "out.jsonl").read_text(encoding="ascii").splitlines()
    assert json.loads(line)["detections"][0]["class_name"] == 'a"b\n\x1b\udcff<b>人'


def coco(tmp_path, items, **options):
    defaults = {"source_name": "clip.mp4", "class_names": NAMES, "info": {"software": "rfviewer"}}
    labels = JsonlSink(tmp_path / "out.jsonl", NAMES)
    sink = CocoSink(tmp_path / "out.json", labels, **{**defaults, "keep_labels": True, **options})
    with sink:
        for each in items:
            sink.write(each)
    return sink


def load(path):
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


# pycocotools' decoder predates the copy argument of numpy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_reads_the_coco_file(tmp_path):
    dense = two_masks()
    found = detections_of(dense, [3, 77])
    coco(tmp_path, [item(0), item(4, detections=found), item(5, detections=found)])
    data = load(tmp_path / "out.json")
    assert sorted(data.getImgIds()) == [0, 4, 5]
    assert data.imgs[4] == {
        "id": 4,
        "file_name": "clip-000004.png",
        "width": 64,
        "height": 48,
        "pts_s": 0.16,
    }
    names = {category["id"]: category["name"] for category in data.dataset["categories"]}
    assert names == {1: "person", 3: "car", 77: "class 77"}
    assert data.dataset["info"]["software"] == "rfviewer"
    annotations = data.loadAnns(data.getAnnIds(imgIds=[4]))
    assert len({a["id"] for a in data.dataset["annotations"]}) == 4
    for annotation, mask in zip(annotations, dense, strict=True):
        np.testing.assert_array_equal(data.annToMask(annotation).astype(bool), mask)
        assert annotation["area"] == mask.sum()
        assert annotation["iscrowd"] == 0
    assert annotations[0]["bbox"] == [8.123, 10.123, 32.0, 20.0]
    assert annotations[0]["score"] == 0.95
    assert (tmp_path / "out.jsonl").exists()


def test_frames_of_image_files_keep_their_names(tmp_path):
    coco(tmp_path, [item(0, name="b/003.jpg"), item(1, name="\udcff.png"), item(2)])
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line.get("file_name") for line in lines] == ["b/003.jpg", "\udcff.png", None]
    images = json.loads((tmp_path / "out.json").read_text())["images"]
    names = ["b/003.jpg", "\udcff.png", "clip-000002.png"]
    assert [image["file_name"] for image in images] == names


def test_a_frame_labelled_twice_counts_once(tmp_path):
    found = detections_of(two_masks(), [3, 3])
    coco(tmp_path, [item(4, detections=found), item(4), item(5)])
    data = load(tmp_path / "out.json")
    assert len(data.dataset["images"]) == 2
    assert len(data.getAnnIds(imgIds=[4])) == 2


def test_labels_nobody_asked_for_are_removed(tmp_path):
    coco(tmp_path, [item(0)], keep_labels=False)
    assert [p.name for p in tmp_path.iterdir()] == ["out.json"]


def test_no_frames_make_an_empty_but_valid_file(tmp_path):
    coco(tmp_path, [])
    assert load(tmp_path / "out.json").dataset["images"] == []


def test_a_cancelled_recording_still_gets_its_coco_file(tmp_path):
    def interrupted():
        yield item(0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        coco(tmp_path, interrupted())
    assert load(tmp_path / "out.json").getImgIds() == [0]


def test_a_file_that_appeared_meanwhile_stays_as_it_is(tmp_path):
    def meanwhile():
        (tmp_path / "out.json").write_text("precious")
        yield item(0)

    sink = coco(tmp_path, meanwhile())
    assert (tmp_path / "out.json").read_text() == "precious"
    assert load(sink.path).getImgIds() == [0]


def test_the_first_line_tells_how_the_file_was_made(tmp_path):
    path = tmp_path / "out.jsonl"
    made_with = {"software": "rfviewer 9", "command": "rfviewer export 'a b.mp4'"}
    write(path, [item(0), item(1), item(2)], made_with=made_with)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0].pop("made_with") == made_with
    assert not any("made_with" in line for line in lines)
    assert [line["frame_index"] for line in lines] == [0, 1, 2]
