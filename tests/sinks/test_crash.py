"""What is left after a kill, and after a full disk. The faults are real, in child processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from rfviewer.errors import SinkError
from rfviewer.sinks.fragments import cut_broken_end, whole_fragments_bytes
from rfviewer.sinks.partial import hold, in_use, partial_path, target_of
from rfviewer.sinks.recovery import find_recoverable, recover
from tests.sinks.media import read_video

ROOT = Path(__file__).resolve().parents[2]

WRITER = """
import sys
import numpy as np
from pathlib import Path
from tests.sinks.media import context, item
from rfviewer.sinks.video import VideoSink
rng = np.random.default_rng(0)
fps = float(sys.argv[2])
with VideoSink(Path(sys.argv[1]), context(fps=fps)) as sink:
    for i in range(100_000):
        image = rng.integers(0, 256, (48, 64, 4), np.uint8)
        sink.write(item(i, image=image, pts_s=i / fps, duration_s=1 / fps))
        print(i + 1, flush=True)
"""

FULL = """
import resource, signal, sys
import numpy as np
from pathlib import Path
from tests.sinks.media import context, item, detections_of
from rfviewer.sinks.factory import make_sinks
from rfviewer.interfaces import RecordingRequest
from rfviewer.errors import SinkError
from contextlib import ExitStack
limit = int(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path(sys.argv[1])
kinds = {"video": folder / "a.mp4"} if sys.argv[3] == "video" else {"labels": folder / "a.jsonl"}
rng = np.random.default_rng(0)
sinks = make_sinks(RecordingRequest(**kinds), context())
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
written = 0
try:
    with ExitStack() as stack:
        (sink,) = [stack.enter_context(sink) for sink in sinks]
        for i in range(2000):
            image = rng.integers(0, 256, (48, 64, 4), np.uint8)
            found = detections_of(rng.random((2, 48, 64)) > 0.5, [1, 3])
            sink.write(item(i, image=image, detections=found))
            written = i + 1
except SinkError as error:
    print(written, error)
"""


def python(code, *arguments, **options):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **options)


def kill_after(path, fps, count):
    """Record in a child, kill it after `count` frames; return how many it had reported."""
    child = python(WRITER, path, fps)
    reported = 0
    while reported < count:
        reported = int(child.stdout.readline())
    child.kill()
    rest = child.communicate()[0].split()
    return int(rest[-1]) if rest else reported


@pytest.mark.parametrize(("fps", "count"), [(25, 130), (60, 97), (4, 9), (25, 8)])
def test_a_killed_recording_is_playable_and_lacks_less_than_a_second(tmp_path, fps, count):
    target = tmp_path / "out.mp4"
    reported = kill_after(target, fps, count)
    assert not target.exists()
    (partial,) = tmp_path.iterdir()
    before = partial.stat().st_size
    times, _, _ = read_video(partial)
    assert len(times) >= reported - fps
    assert partial.stat().st_size == before
    assert find_recoverable(tmp_path) == [partial]
    assert recover(partial).path == target
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]
    recovered, _, _ = read_video(target)
    assert recovered == pytest.approx([i / fps for i in range(len(times))], abs=1e-4)
    assert b"moof" not in target.read_bytes()
    assert find_recoverable(tmp_path) == []


def test_a_running_recording_is_not_recovered(tmp_path):
    child = python(WRITER, tmp_path / "out.mp4", 25)
    try:
        while int(child.stdout.readline()) < 40:
            pass
        (partial,) = tmp_path.iterdir()
        assert find_recoverable(tmp_path) == []
        with pytest.raises(SinkError, match="being recorded"):
            recover(partial)
    finally:
        child.kill()
        child.communicate()
    assert find_recoverable(tmp_path) == [partial]


def test_recovery_never_overwrites(tmp_path):
    target = tmp_path / "out.mp4"
    kill_after(target, 25, 60)
    target.write_bytes(b"precious")
    (partial,) = find_recoverable(tmp_path)
    assert recover(partial).path == tmp_path / "out-2.mp4"
    assert target.read_bytes() == b"precious"


def test_recovery_refuses_other_files(tmp_path):
    for name in ("out.mp4", "x.partial.txt"):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(SinkError, match="no interrupted"):
            recover(tmp_path / name)
    with pytest.raises(SinkError, match="gone"):
        recover(tmp_path / "out.partial.mp4")
    junk = tmp_path / "junk.partial.mp4"
    junk.write_bytes(b"\0" * 100)
    assert find_recoverable(tmp_path) == []
    with pytest.raises(SinkError, match="nothing that can be played"):
        recover(junk)


@pytest.mark.parametrize("limit", [40_000, 100_000, 150_001])
def test_a_full_disk_stops_cleanly_and_keeps_the_playable_part(tmp_path, limit):
    child = python(FULL, tmp_path, limit, "video")
    output = child.communicate()[0]
    assert child.returncode == 0
    written, _, message = output.strip().partition(" ")
    assert "size limit" in message
    assert "are kept" in message
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    times, _, _ = read_video(tmp_path / "a.mp4")
    assert int(written) - 25 <= len(times) <= int(written) + 1


def test_a_full_disk_keeps_whole_lines_of_labels(tmp_path):
    child = python(FULL, tmp_path, 50_000, "labels")
    written, _, message = child.communicate()[0].strip().partition(" ")
    assert f"labels of {written} frames" in message
    text = (tmp_path / "a.jsonl").read_text()
    assert text.endswith("\n")
    assert text.count("\n") == int(written)


def test_a_disk_too_full_for_one_fragment_leaves_no_file(tmp_path):
    child = python(FULL, tmp_path, 1000, "video")
    assert "Nothing could be kept" in child.communicate()[0]
    assert list(tmp_path.iterdir()) == []


def test_a_broken_end_is_cut_at_the_last_whole_fragment(tmp_path):
    kill_after(tmp_path / "out.mp4", 25, 60)
    (partial,) = tmp_path.iterdir()
    assert cut_broken_end(partial)
    whole = partial.stat().st_size
    assert whole_fragments_bytes(partial) == whole
    frames = len(read_video(partial)[0])
    with partial.open("ab") as file:
        file.write(b"\0\0\1\0moof" + b"\0" * 50)
    assert whole_fragments_bytes(partial) == whole
    assert cut_broken_end(partial)
    assert partial.stat().st_size == whole
    assert len(read_video(partial)[0]) == frames


def test_partial_names(tmp_path):
    target = tmp_path / "a.b.mp4"
    first = partial_path(target)
    assert first.name == "a.b.partial.mp4"
    first.touch()
    second = partial_path(target)
    assert second != first
    assert target_of(first) == target_of(second) == target
    assert target_of(target) is None


def test_holding_a_file_marks_it_as_in_use(tmp_path):
    path = tmp_path / "a.partial.mp4"
    path.touch()
    assert not in_use(path)
    with hold(path):
        assert in_use(path)
    assert not in_use(path)
