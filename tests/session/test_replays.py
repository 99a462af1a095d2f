"""Saving the last seconds: clip, settings and results belong together and play again."""

import json
import math
import zipfile
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rfviewer.compose import window_session
from rfviewer.config import EngineConfig, Playback, Policy, Settings, View
from rfviewer.detections import Detections, InstanceMasks, RegionMasks
from rfviewer.interfaces import RecordingRequest
from rfviewer.optimizations import Optimizations
from rfviewer.session.local import LocalSession
from rfviewer.session.replays import Replays
from rfviewer.session.run_history import KeptResult, frame_check, last_run, why_shorter
from rfviewer.snapshot import PlayState, Snapshot
from rfviewer.sources.replay import open_replay
from rfviewer.sources.replay_file import read_manifest, read_results, read_settings
from tests.fakes import Bench, FakeSource, shown_index
from tests.sources.makers import make_clip, numbers, read_all
from tests.sources.rtsp_server import RTP_BYTES, RtspServer


def kept(pts_s: float, index: int = 0) -> KeptResult:
    return KeptResult(index, pts_s, 0, (4, 4), 0, Detections.empty(), 0.5, Optimizations())


def times(results: list[KeptResult]) -> list[float]:
    return [result.pts_s for result in results]


def test_the_last_run_ends_at_a_jump_and_counts_a_frame_once() -> None:
    steady = [kept(n / 10) for n in range(50)]
    assert times(last_run(steady, 1.0)) == pytest.approx([n / 10 for n in range(39, 50)])
    assert times(last_run([*steady, kept(1.0), kept(1.1)], 9.0)) == [1.0, 1.1]
    assert times(last_run([kept(0.0), kept(9.0), kept(9.1)], 20.0)) == [9.0, 9.1]
    again = [kept(0.1, 1), kept(0.2, 2), kept(0.2, 3)]
    assert [result.frame_index for result in last_run(again, 9.0)] == [1, 3]
    assert last_run([], 1.0) == []


def test_a_short_run_says_why_it_is_short() -> None:
    def why(results: list[KeptResult], seconds: float = 10.0, *, forgot: bool = False) -> str:
        return why_shorter(results, last_run(results, seconds), seconds, forgot=forgot)

    steady, start = ([kept(n / 10) for n in range(count)] for count in (200, 9))
    assert why(steady) == ""
    assert why([kept(n * 1.9) for n in range(20)]) == ""  # the next one is farther away than 10 s
    assert "since the source was opened" in why(steady[:9])
    assert "at most 60 s" in why(steady[:9], forgot=True)
    assert "jumped or started over" in why([*steady, *start])
    # The frame after the jump was inferred twice, as after a change while paused.
    assert "jumped or started over" in why([*steady, kept(0.0), *start])
    assert "before that 30.1 s have no result" in why([*steady, kept(50.0), kept(50.1)])


@pytest.mark.parametrize("packed", [True, False])
def test_compact_masks_are_the_same_masks(packed: bool) -> None:
    rng = np.random.default_rng(1)
    dense = np.zeros((3, 20, 30), np.uint8)
    regions = np.array([[3, 2, 17, 9], [0, 0, 0, 0], [8, 0, 30, 20]], np.int32)
    for plane, (x0, y0, x1, y1) in zip(dense, regions.tolist(), strict=True):
        plane[y0:y1, x0:x1] = rng.integers(0, 2, (y1 - y0, x1 - x0))
    data = np.packbits(dense, axis=2, bitorder="little") if packed else dense
    compact = InstanceMasks(data, regions, 30, 20, packed).compact()
    assert isinstance(compact, RegionMasks)
    assert np.array_equal(compact.dense(), dense.astype(bool))
    assert compact.nbytes < np.packbits(dense, axis=2).nbytes


def saved(session: LocalSession, path: Path, seconds: float = 60.0) -> str:
    """Save and return the sentence that tells the outcome."""
    session.save_replay(path, seconds)
    told: list[str] = []

    def outcome(snapshot: Snapshot) -> bool:
        told.extend(
            text
            for severity, text in snapshot.notices
            if severity != "info" or text.startswith("Saved")
        )
        return bool(told)

    session.wait(outcome, 60)
    return told[-1]


def inferred(session: LocalSession, count: int) -> None:
    session.wait(lambda s: s.counters.inferred >= count and s.state is PlayState.ENDED, 120)


def test_a_file_is_replayed_from_its_own_packets(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", 60, options={"g": "12", "bf": "2"})
    with closing(window_session(Settings(engine=EngineConfig(model="none")))) as session:
        session.open(str(clip), Playback(policy=Policy.EVERY_FRAME, rate=None, max_frames=50))
        inferred(session, 50)
        session.set_view(View(threshold=0.25))
        path = tmp_path / "b.rfreplay"
        text = saved(session, path, 0.8)
        assert "21 frames, 21 with results" in text
    manifest = read_manifest(path)
    assert manifest.stream_copy
    assert manifest.source == str(clip)
    assert "--threshold 0.25" in manifest.made_with["command"]
    assert manifest.made_with["software"].startswith("rfviewer ")
    assert read_settings(path).view.threshold == 0.25
    assert [r["source_frame_index"] for r in read_results(path)] == list(range(29, 50))
    with closing(open_replay(path)) as replay:
        frames = read_all(replay)
        assert numbers(frames) == list(range(29, 50))
        assert [frame.frame_index for frame in frames] == list(range(21))
        assert [frame.pts_s for frame in frames] == pytest.approx([n / 25 for n in range(21)])
        replay.seek(0.4)
        assert replay.read().frame_index == 10
        replay.seek_before(0.4)
        assert replay.read().frame_index == 9
        assert replay.info.frame_count == 21
        folder = Path(replay._folder.name)
        assert folder.is_dir()
    assert not folder.exists()
    assert not list(tmp_path.glob("*.partial*"))


def test_what_cannot_be_cut_is_encoded_without_loss(tmp_path: Path) -> None:
    with closing(window_session(Settings(engine=EngineConfig(model="none")))) as session:
        session.open("synthetic:64x48@25,frames=12", Playback(rate=None))
        inferred(session, 12)
        assert "encoded without loss" in saved(session, tmp_path / "a.rfreplay")
    with closing(open_replay(tmp_path / "a.rfreplay")) as replay:
        assert numbers(read_all(replay)) == list(range(12))


def test_camera_frames_come_back_with_the_results_of_the_very_same_frame(tmp_path: Path) -> None:
    bench = Bench({"cam": lambda: FakeSource(40, live=True)})
    session = LocalSession(bench.parts(), Settings(), lambda p, i, m: None, None, Replays())
    with closing(session):
        session.open("cam", Playback(policy=Policy.EVERY_FRAME))
        session.wait(lambda s: s.counters.inferred >= 10, 30)
        session.pause()
        saved(session, tmp_path / "a.rfreplay")
    with closing(open_replay(tmp_path / "a.rfreplay")) as replay:
        shown = {frame.frame_index: shown_index(frame.image) for frame in read_all(replay)}
    results = list(read_results(tmp_path / "a.rfreplay"))
    assert len(results) >= 10
    for result in results:
        # The fake engine finds the number of the frame as class.
        found = [detection["class_id"] for detection in result["detections"]]
        assert found == [shown[result["frame_index"]]] == [result["source_frame_index"]]


def test_a_replay_gives_the_saved_results_again(tmp_path: Path) -> None:
    path, labels = tmp_path / "a.rfreplay", tmp_path / "again.jsonl"
    playback = Playback(policy=Policy.EVERY_FRAME, rate=None, start_s=0.4, max_frames=2)
    with closing(window_session(Settings(optimizations=Optimizations(depth=1)))) as session:
        session.open("demo", playback)
        inferred(session, 2)
        saved(session, path)
        again = Playback(policy=Policy.EVERY_FRAME, rate=None)
        session.open(str(path), again, recording=RecordingRequest(labels=labels))
        session.wait(lambda s: s.recording is not None and not s.recording.active, 120)
    own = ("source_frame_index", "source_pts_s", "threshold", "optimizations")
    expected = [{k: v for k, v in r.items() if k not in own} for r in read_results(path)]
    lines = [json.loads(line) for line in labels.read_text().splitlines()]
    assert "--set depth=1" in lines[0].pop("made_with")["command"]
    assert lines == expected
    assert sum(len(record["detections"]) for record in expected) > 10


def test_a_replay_can_be_saved_while_recording_and_of_a_replay(tmp_path: Path) -> None:
    first, second = tmp_path / "a.rfreplay", tmp_path / "b.rfreplay"
    with closing(window_session(Settings(engine=EngineConfig(model="none")))) as session:
        session.start_recording(RecordingRequest(labels=tmp_path / "l.jsonl"))
        session.open("synthetic:64x48@25,frames=30", Playback(rate=None, paused=True))
        session.step(5)
        session.wait(lambda s: s.counters.inferred >= 5, 30)
        saved(session, first)
        recording = session.poll().recording
        assert recording is not None
        assert recording.active
        session.open(str(first), Playback(rate=None))
        session.wait(lambda s: s.state is PlayState.ENDED, 30)
        saved(session, second)
    with closing(open_replay(second)) as replay:
        assert numbers(read_all(replay))[:5] == [0, 1, 2, 3, 4]


def test_nothing_is_overwritten_and_wrong_places_are_told(tmp_path: Path) -> None:
    taken = tmp_path / "a.rfreplay"
    taken.write_text("mine")
    with closing(window_session(Settings(engine=EngineConfig(model="none")))) as session:
        assert "nothing to save" in saved_early(session, taken)
        session.open("synthetic:64x48@25,frames=4", Playback(rate=None))
        inferred(session, 4)
        text = saved(session, taken)
        assert "a-2.rfreplay" in text
        assert "shorter than asked for: no more has been played" in text
        assert "must be named .rfreplay" in saved(session, tmp_path / "a.zip")
        assert "does not exist" in saved(session, tmp_path / "no" / "a.rfreplay")
    assert taken.read_text() == "mine"
    assert zipfile.is_zipfile(tmp_path / "a-2.rfreplay")


def saved_early(session: LocalSession, path: Path) -> str:
    session.save_replay(path, 1.0)
    return session.wait(lambda s: bool(s.notices), 10).notices[0][1]


def test_frames_are_told_apart_by_their_check() -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    other = image.copy()
    other[:, 10] = 1
    assert frame_check(image) != frame_check(other)
    assert frame_check(image[:1]) == frame_check(image[:1].copy())


def test_a_stream_is_replayed_from_the_packets_it_sent(tmp_path: Path) -> None:
    text, path = saved_of_a_stream(tmp_path, starts=2, then_s=1.0)
    assert text.startswith("Saved"), text
    assert "without loss" not in text
    assert "damaged" not in text
    assert "shorter" not in text
    manifest = read_manifest(path)
    assert manifest.live
    assert manifest.stream_copy
    results = list(read_results(path))
    with closing(open_replay(path)) as replay:
        frames = read_all(replay)
        assert not replay.info.live
    assert {b - a for a, b in pairwise(numbers(frames))} == {1}
    # A live source drops what the engine is too late for: a loaded machine has fewer results.
    assert 1 <= len(results) <= len(frames) <= 21
    assert len(frames) >= 10
    assert {result["frame_index"] for result in results} <= set(range(len(frames)))


def test_a_stream_that_has_just_begun_anew_is_replayed_from_there(tmp_path: Path) -> None:
    text, path = saved_of_a_stream(tmp_path, starts=2, then_s=0.16)
    assert text.startswith("Saved"), text
    assert "It is shorter than asked for" in text
    with closing(open_replay(path)) as replay:
        shown = numbers(read_all(replay))
    assert shown == list(range(shown[0], shown[0] + len(shown)))
    assert shown[-1] < 20


def saved_of_a_stream(folder: Path, starts: int, then_s: float) -> tuple[str, Path]:
    """Save the last 0.8 s of a stream that starts over and falls silent; return what is told.

    It falls silent somewhat later than `then_s` seconds after the last start, so that what is saved
    does not depend on when it is asked for.
    """
    stream = make_clip(folder / "a.ts", 60, options={"g": "10", "bf": "2", "sc_threshold": "0"})
    data = stream.read_bytes()
    path, once_s = folder / "b.rfreplay", 60 / 25
    packets = math.ceil(len(data) / RTP_BYTES)
    stall_after = starts * packets + round(packets * (then_s + 0.3) / once_s)
    settings = Settings(engine=EngineConfig(model="none"))
    with (
        RtspServer(data, stall_after=stall_after, pace_s=0.03) as server,
        closing(window_session(settings)) as session,
    ):
        session.open(f"rtsp://127.0.0.1:{server.port}/x", Playback(policy=Policy.EVERY_FRAME))
        session.wait(lambda s: (s.pts_s or 0.0) >= starts * once_s + then_s, 60)
        session.poll()  # what was told about the stream so far is no outcome of the saving
        return saved(session, path, 0.8), path
