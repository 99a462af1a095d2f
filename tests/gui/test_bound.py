"""What binds the live video: read off spans and rates, and shown in the status bar."""

from dataclasses import replace

import pytest

from rfviewer.config import Playback, Policy
from rfviewer.gui.bound_meter import AGREE_NS, BoundMeter
from rfviewer.gui.timeline_data import SpanStore
from rfviewer.optimizations import Optimizations
from rfviewer.snapshot import FrameSample, PlayState, RecordingStatus
from rfviewer.timing import Span, Stage, StageTimings
from tests.gui.fake_session import FakeSession

MS = 1_000_000
T0 = 7_000_000_000_000
EVERY_MS = 40


def work(index, **busy_ms):
    """Spans of one frame every 40 ms: how long each part works on it."""
    start = T0 + index * EVERY_MS * MS
    lanes = {
        "infer": ("slot 0", Stage.INFER),
        "decode": ("decode", Stage.CAPTURE),
        "draw": ("draw", Stage.RENDER),
        "write": ("write", Stage.SINK),
    }
    return tuple(
        Span(*lanes[name], start, start + int(busy * MS)) for name, busy in busy_ms.items()
    )


def at_25_fps():
    """A snapshot of a file that plays as fast as it can, 25 results a second."""
    return replace(
        FakeSession().poll(),
        policy=Policy.EVERY_FRAME,
        playback=Playback(rate=None),
        inferred_fps=25.0,
    )


def add_result(store, index, **busy_ms):
    """Add what was done for one result and return when it was."""
    done_ns = T0 + (index + 1) * EVERY_MS * MS
    timings = StageTimings({}, done_ns - MS, done_ns, work(index, **busy_ms))
    store.add([FrameSample(index, index / 25, done_ns, timings, Optimizations(), 1)])
    return done_ns


@pytest.fixture
def read():
    """Return a function that plays for `seconds` at 25 results a second and reads the meter."""

    def run(seconds=4.0, shown_fps=25.0, screen_hz=60.0, changes=None, **busy_ms):
        store = SpanStore()
        meter = BoundMeter(store)
        base = replace(at_25_fps(), source_fps=25.0, **(changes or {}))
        found = None
        for index in range(int(seconds * 1000 / EVERY_MS)):
            done_ns = add_result(store, index, **busy_ms)
            found = meter.read(replace(base, time_ns=done_ns), shown_fps, screen_hz)
        return found

    return run


def live(snapshot_source, **kwargs):
    return replace(snapshot_source, live=True, **kwargs)


@pytest.mark.parametrize(
    ("arguments", "bound"),
    [
        ({"infer": 38}, "network-bound"),
        ({"infer": 10, "decode": 37}, "decode-bound"),
        ({"infer": 10, "draw": 36, "shown_fps": 12.0}, "display-bound"),
        ({"infer": 10, "draw": 5}, "host-bound"),
    ],
)
def test_the_part_that_works_all_the_time_binds(read, arguments, bound):
    assert read(**arguments).bound == bound


def test_encoding_binds_while_files_are_written_only(read):
    recording = {"recording": RecordingStatus(None, None)}
    assert read(infer=10, write=37, changes=recording).bound == "encode-bound"
    assert read(infer=10, draw=37, changes=recording).bound == "display-bound"
    ended = {"recording": RecordingStatus(None, None, active=False)}
    assert read(infer=10, write=37, changes=ended).bound == "host-bound"


def test_a_source_at_its_own_pace_is_named(read):
    source = FakeSession().poll().source
    changes = {"source": live(source, fps=50.0)}  # what it delivers counts, not what it promises
    found = read(infer=10, changes=changes)
    assert found.bound == "camera-limited"
    assert "25.0 frames/s, and the network runs 25% of the time" in found.why


def test_a_file_at_its_own_pace_is_named(read):
    source = replace(FakeSession().poll().source, live=False, fps=25.0)
    meter = read(infer=10, changes={"source": source})
    assert meter.bound == "host-bound"  # as fast as possible: nothing paces it


def test_nothing_is_named_too_early_or_while_nothing_plays(read):
    assert read(seconds=1.0, infer=38) is None
    assert read(infer=38, changes={"state": PlayState.PAUSED}) is None


def test_a_change_settles_anew():
    store = SpanStore()
    meter = BoundMeter(store)
    base = replace(FakeSession().poll(), playback=Playback(rate=None), inferred_fps=25.0)
    told = []
    for index in range(150):
        done_ns = add_result(store, index, infer=38)
        wanted = Optimizations(depth=1 if index < 75 else 2)
        snapshot = replace(base, time_ns=done_ns, optimizations=wanted)
        told.append(meter.read(snapshot, None, None) is not None)
    settles = 2500 // EVERY_MS  # long enough to say anything, and for readings to agree
    assert not any(told[:settles])
    assert all(told[settles + 2 : 75])
    assert not any(told[75 : 75 + settles])
    assert told[-1]


@pytest.fixture
def steps():
    """Return a function that plays on with what each part does and the rate that is shown."""
    store = SpanStore()
    meter = BoundMeter(store)
    base, played = at_25_fps(), [0]

    def run(seconds, shown_fps=25.0, **busy_ms):
        told = []
        for _ in range(int(seconds * 1000 / EVERY_MS)):
            done_ns = add_result(store, played[0], **busy_ms)
            played[0] += 1
            found = meter.read(replace(base, time_ns=done_ns), shown_fps, 60.0)
            told.append(None if found is None else str(found.bound))
        return told

    return run


def test_one_stutter_changes_nothing(steps):
    assert steps(6, infer=20)[-1] == "host-bound"
    for shown_fps in (10.0, 24.0, 15.0):
        assert set(steps(2, shown_fps=shown_fps, infer=20)) == {"host-bound"}
        assert set(steps(1, infer=20)) == {"host-bound"}


def test_another_name_comes_once_the_readings_agree(steps):
    steps(6, infer=20)
    told = steps(6, shown_fps=10.0, infer=20)
    assert told[0] == "host-bound"
    changed = told.index("display-bound")
    assert AGREE_NS <= changed * EVERY_MS * MS <= AGREE_NS + 2 * EVERY_MS * MS
    assert set(told[changed:]) == {"display-bound"}


def test_a_name_that_is_contradicted_is_taken_back_at_once(steps):
    assert steps(6, shown_fps=10.0, infer=20)[-1] == "display-bound"
    told = steps(8, shown_fps=10.0, infer=39)
    while_display = told[: told.index(None)]
    assert set(while_display) == {"display-bound"}
    assert told[-1] == "network-bound"
    assert list(dict.fromkeys(told)) == ["display-bound", None, "network-bound"]


@pytest.mark.usefixtures("settles_soon")
def test_the_status_bar_says_what_binds(window, qtbot):
    cell = window.status.cells["limit"]
    qtbot.waitUntil(lambda: "-" in cell.figure.text())
    assert cell.figure.text() in cell.toolTip()
