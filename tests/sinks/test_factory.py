import json
import os
import shutil
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import av
import pytest

from rfviewer.errors import SinkError
from rfviewer.frame import SourceKind
from rfviewer.interfaces import RecordingRequest
from rfviewer.sinks.factory import make_sinks
from tests.sinks.media import context, item


def refused(request, ctx=None):
    with pytest.raises(SinkError) as caught:
        make_sinks(request, ctx or context())
    message = str(caught.value)
    assert "\n" not in message
    return message


def record(request, items):
    sinks = make_sinks(request, context())
    with ExitStack() as stack:
        entered = [stack.enter_context(sink) for sink in sinks]
        for each in items:
            for sink in entered:
                sink.write(each)
    return sinks


def test_all_files_of_a_recording(tmp_path):
    request = RecordingRequest(
        video=tmp_path / "a.mp4", labels=tmp_path / "a.jsonl", coco=tmp_path / "a.json"
    )
    assert list(tmp_path.iterdir()) == []
    sinks = record(request, [item(i) for i in range(3)])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "a.jsonl", "a.mp4"]
    assert any(sink.needs_image for sink in sinks)


def test_the_command_of_the_recording_replaces_the_one_that_shows_the_source(tmp_path):
    request = RecordingRequest(
        video=tmp_path / "a.mp4", coco=tmp_path / "a.json", command="rfviewer export x"
    )
    shown = replace(context(), settings={"software": "test", "command": "rfviewer x"})
    for sink in make_sinks(request, shown):
        with sink:
            sink.write(item(0))
    assert json.loads((tmp_path / "a.json").read_text())["info"]["command"] == "rfviewer export x"
    with av.open(str(tmp_path / "a.mp4")) as container:
        comment = container.metadata["comment"]
    assert comment == "command: rfviewer export x\nsoftware: test"


def test_labels_alone_need_no_images(tmp_path):
    (sink,) = record(RecordingRequest(labels=tmp_path / "a.jsonl"), [item(0)])
    assert not sink.needs_image


def test_coco_alone_leaves_no_labels(tmp_path):
    record(RecordingRequest(coco=tmp_path / "a.json"), [item(0)])
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_making_sinks_creates_nothing(tmp_path):
    make_sinks(RecordingRequest(video=tmp_path / "a.mp4", labels=tmp_path / "a.jsonl"), context())
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_record():
    assert "nothing to record" in refused(RecordingRequest())


@pytest.mark.parametrize("field", ["video", "labels", "coco"])
def test_each_path_is_checked(tmp_path, field):
    missing = tmp_path / "gone" / "a.mp4"
    assert str(missing.parent) in refused(RecordingRequest(**{field: missing}))
    folder = tmp_path / "folder.mp4"
    folder.mkdir()
    assert "is a folder" in refused(RecordingRequest(**{field: folder}))
    taken = tmp_path / "taken.mp4"
    taken.write_text("old")
    assert "exists" in refused(RecordingRequest(**{field: taken}))
    assert make_sinks(RecordingRequest(**{field: taken}, overwrite=True), context())
    dangling = tmp_path / "dangling.mp4"
    dangling.symlink_to("nowhere")
    assert "exists" in refused(RecordingRequest(**{field: dangling}))
    long = tmp_path / ("x" * 250 + ".mp4")
    assert "too long" in refused(RecordingRequest(**{field: long}))
    assert "null character" in refused(RecordingRequest(**{field: Path("a\0.mp4")}))
    assert taken.read_text() == "old"


def test_the_source_is_never_the_target_even_through_a_link(tmp_path):
    source = tmp_path / "source.mp4"
    source.write_bytes(b"video")
    link = tmp_path / "link.mp4"
    link.symlink_to(source)
    hard = tmp_path / "hard.mp4"
    hard.hardlink_to(source)
    ctx = context(uri=str(source), kind=SourceKind.FILE)
    for path in (source, link, hard, tmp_path / "." / "source.mp4"):
        assert "source itself" in refused(RecordingRequest(video=path, overwrite=True), ctx)


def test_the_same_name_twice(tmp_path):
    path = tmp_path / "a.json"
    spelled = tmp_path / ".." / tmp_path.name / "a.json"
    assert "different names" in refused(RecordingRequest(labels=path, coco=spelled))


def test_a_video_must_be_mp4(tmp_path):
    assert ".mp4" in refused(RecordingRequest(video=tmp_path / "a.avi"))


def test_a_device_is_no_target(tmp_path):
    device = tmp_path / "full.mp4"
    device.symlink_to("/dev/full")
    assert "ordinary file" in refused(RecordingRequest(video=device, overwrite=True))


def test_a_folder_without_permission_is_told(tmp_path, monkeypatch):
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    if os.access(locked, os.W_OK):  # root may write anywhere: let the trial file fail instead

        def refuse(**_):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert "not permitted" in refused(RecordingRequest(video=locked / "a.mp4"))


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=3_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert "only 3 MB" in refused(RecordingRequest(labels=tmp_path / "a.jsonl"))


def test_a_folder_that_takes_no_files_is_told_in_the_words_of_the_system(tmp_path, monkeypatch):
    def refuse(**_):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    message = refused(RecordingRequest(video=tmp_path / "x.mp4"))
    assert f"the system allows no new file in {tmp_path} (No such file" in message


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1"])
def test_streams_and_devices_are_no_files(name):
    assert f"{name} is none" in refused(RecordingRequest(labels=Path(name), overwrite=True))
