"""Recordings that were cut off are found wherever they lie, and finished, kept or deleted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rfviewer.errors import SinkError
from rfviewer.interfaces import RecordingRequest
from rfviewer.sinks import factory
from rfviewer.sinks.recovery import delete, find_interrupted, keep, recover
from rfviewer.sinks.running import RecordedKind, RunningFile, RunningFiles
from rfviewer.sinks.video import VideoSink
from tests.sinks.media import context, detections_of, item, read_video

ROOT = Path(__file__).resolve().parents[2]

WRITER = """
import sys
import numpy as np
from pathlib import Path
from contextlib import ExitStack
from rfviewer.interfaces import RecordingRequest
from rfviewer.sinks.factory import make_sinks
from tests.sinks.media import context, detections_of, item
folder = Path(sys.argv[1])
request = RecordingRequest(video=folder / "a.mp4", coco=folder / "a.json")
rng = np.random.default_rng(0)
with ExitStack() as stack:
    sinks = [stack.enter_context(sink) for sink in make_sinks(request, context())]
    for i in range(100_000):
        found = detections_of(rng.random((1, 48, 64)) > 0.5, [1])
        for sink in sinks:
            sink.write(item(i, detections=found))
        print(i + 1, flush=True)
"""


@pytest.fixture
def running(tmp_path, monkeypatch) -> RunningFiles:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    found = RunningFiles.of_user()
    assert found is not None
    return found


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "far away"
    made.mkdir()
    return made


@pytest.fixture
def killed(running, folder) -> int:
    """Video and COCO of a child that was killed; returns how many frames it had written."""
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    reported = 0
    while reported < 60:
        reported = int(child.stdout.readline())
    child.kill()
    rest = child.communicate()[0].split()
    return int(rest[-1]) if rest else reported


def cut_off(running, folder, name="a.mp4", frames=30, sink=None) -> Path:
    """Leave what a crash would: fragments and an entry in the list."""
    sink = sink or VideoSink(folder / name, context(), running=running)
    for index in range(frames):
        sink.write(item(index))
    assert sink.partial is not None
    sink._held.close()
    sink._encoder.abandon()
    return sink.partial


def test_a_killed_recording_is_found_in_any_folder_with_all_its_files(
    killed, running, folder
) -> None:
    found = find_interrupted(running)
    assert {one.target.name for one in found} == {"a.mp4", "a.json"}
    by_kind = {one.file.kind: one for one in found}
    video = by_kind[RecordedKind.VIDEO]
    assert killed / 25 - 1 <= video.duration_s <= killed / 25 + 0.05
    recovered = recover(video.path, running)
    assert recovered.path == folder / "a.mp4"
    times, _, duration = read_video(recovered.path)
    assert len(times) >= killed - 25
    assert recovered.duration_s == pytest.approx(duration, abs=0.001)
    labels = recover(by_kind[RecordedKind.COCO].path, running)
    assert labels.path == folder / "a.json"
    coco = json.loads(labels.path.read_text())
    assert len(coco["images"]) >= killed - 1
    assert coco["categories"][0]["name"] == "person"
    assert sorted(path.name for path in folder.iterdir()) == ["a.json", "a.mp4"]
    assert find_interrupted(running) == []
    assert list(running.entries()) == []


def test_a_finished_recording_is_not_listed(running, folder) -> None:
    with VideoSink(folder / "a.mp4", context(), running=running) as sink:
        sink.write(item(0))
        ((_, file),) = running.entries()
        assert file.partial == str(sink.partial)
        assert find_interrupted(running) == [], "it runs in this very process"
    assert list(running.entries()) == []


def test_the_sinks_of_a_recording_are_listed(running, folder) -> None:
    request = RecordingRequest(video=folder / "a.mp4", coco=folder / "a.json")
    video, coco = factory.make_sinks(request, context())
    with video, coco:
        video.write(item(0))
        coco.write(item(0, detections=detections_of(np.ones((1, 48, 64), bool), [1])))
        kinds = {file.kind for _, file in running.entries()}
        assert kinds == {RecordedKind.VIDEO, RecordedKind.COCO}
        assert coco.partial.name == "a.partial.jsonl"
    assert list(running.entries()) == []


def test_nothing_is_replaced_and_the_file_is_private(running, folder) -> None:
    partial = cut_off(running, folder)
    (folder / "a.mp4").write_bytes(b"precious")
    assert recover(partial, running).path == folder / "a-2.mp4"
    assert (folder / "a.mp4").read_bytes() == b"precious"


def test_what_is_kept_is_not_offered_again_but_listed_when_asked(running, folder) -> None:
    partial = cut_off(running, folder)
    keep(partial, running)
    assert find_interrupted(running, [folder]) == []
    assert [one.path for one in find_interrupted(running, [folder], kept=True)] == [partial]
    recover(partial, running)
    assert list(running.entries()) == []


def test_deleting_removes_the_file_and_the_entry(running, folder) -> None:
    partial = cut_off(running, folder)
    delete(partial, running)
    assert list(folder.iterdir()) == []
    assert list(running.entries()) == []
    innocent = folder / "holiday.mp4"
    innocent.write_bytes(b"x")
    with pytest.raises(SinkError, match="no interrupted"):
        delete(innocent, running)
    assert innocent.exists()


def test_an_unplugged_disk_keeps_its_entries(running, tmp_path, folder) -> None:
    cut_off(running, folder)
    away = tmp_path / "unplugged"
    folder.rename(away)
    assert find_interrupted(running) == []
    away.rename(folder)
    assert len(find_interrupted(running)) == 1
    (folder / "a.partial.mp4").unlink()
    assert find_interrupted(running) == []
    assert list(running.entries()) == []


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"kind": "video"}', '{"kind": "x", "partial": 1, "target": 2}',
     '{"kind": "video", "partial": 5, "target": "b"}'],
)  # fmt: skip
def test_a_damaged_entry_disturbs_nothing(running, folder, text) -> None:
    cut_off(running, folder)
    (running._folder / "damaged.json").write_text(text)
    assert len(find_interrupted(running)) == 1


def test_names_that_are_no_text_survive(running, folder) -> None:
    odd = folder / "a\udcff b\n.mp4"
    partial = cut_off(running, folder, odd.name)
    (found,) = find_interrupted(running)
    assert found.path == partial
    assert recover(partial, running).path == odd


def test_without_a_place_for_the_list_recordings_go_on(monkeypatch, folder) -> None:
    def refuse() -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("rfviewer.paths.state_dir", refuse)
    (sink,) = factory.make_sinks(RecordingRequest(video=folder / "a.mp4"), context())
    with sink:
        sink.write(item(0))
    assert (folder / "a.mp4").exists()


def test_entries_are_for_the_owner_only(running, folder) -> None:
    cut_off(running, folder)
    (entry,) = running._folder.iterdir()
    assert entry.stat().st_mode & 0o077 == 0
    assert running._folder.stat().st_mode & 0o077 == 0


def test_labels_of_another_program_are_no_coco_file(running, folder) -> None:
    labels = folder / "a.partial.jsonl"
    labels.write_text('{"something": "else"}\n')
    running.begin(
        RunningFile(kind=RecordedKind.COCO, partial=str(labels), target=str(folder / "a.json"))
    )
    with pytest.raises(SinkError, match="cannot be created"):
        recover(labels, running)
    assert [path.name for path in folder.iterdir()] == ["a.partial.jsonl"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (3, "Its labels in a.jsonl are of 33 frames: the video is 3 shorter, since its end was"),
        (0, ""),
        (-25, "Its labels in a.jsonl are of 5 of these."),
    ],
)
def test_a_video_and_labels_that_end_at_different_frames_are_told(
    running, folder, more, told
) -> None:
    request = RecordingRequest(video=folder / "a.mp4", labels=folder / "a.jsonl")
    video, labels = factory.make_sinks(request, context())
    with labels:
        for index in range(30 + more):
            labels.write(item(index))
        cut_off(running, folder, sink=video)
    with (folder / "a.jsonl").open("a") as file:
        file.write('{"frame_index":')  # cut off as well: of no frame
    (found,) = find_interrupted(running)
    before = (folder / "a.jsonl").read_bytes()
    recovered = recover(found.path, running)
    assert recovered.frames == 30
    assert recovered.notice.startswith(told)
    assert bool(recovered.notice) is bool(told)
    assert (folder / "a.jsonl").read_bytes() == before


def test_a_video_is_compared_with_its_labels_before_they_are_a_coco_file(running, folder) -> None:
    request = RecordingRequest(video=folder / "a.mp4", coco=folder / "a.json")
    video, coco = factory.make_sinks(request, context())
    coco.__enter__()
    for index in range(32):
        coco.write(item(index))
    coco._held.close()
    coco.labels._file.close()
    cut_off(running, folder, sink=video)
    os.utime(folder / "a.partial.jsonl", (0, 0))
    first, second = [recover(one.path, running) for one in find_interrupted(running)]
    assert (first.frames, second.frames) == (30, 32)
    assert first.notice.startswith("Its labels are of 32 frames: the video is 2 shorter")
    assert len(json.loads(second.path.read_text())["images"]) == 32


def test_a_video_that_was_cut_off_before_its_first_fragment_is_told(running, folder) -> None:
    request = RecordingRequest(video=folder / "a.mp4", labels=folder / "a.jsonl")
    video, labels = factory.make_sinks(request, context())
    with labels:
        labels.write(item(0))
        partial = cut_off(running, folder, frames=1, sink=video)
    os.truncate(partial, 40)
    assert find_interrupted(running) == []
    (found,) = find_interrupted(running, empty=True)
    told = (
        r"held nothing that can be played and was removed\. Its labels in a\.jsonl are of 1 frame\."
    )
    with pytest.raises(SinkError, match=told):
        recover(found.path, running)
    assert [path.name for path in folder.iterdir()] == ["a.jsonl"]
    assert find_interrupted(running, empty=True) == []
