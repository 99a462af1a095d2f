"""How much time the ribbon shows: several frames, however long one takes, or what is chosen."""

import time

import pytest

from rfviewer.gui.lab_parts import TIMELINE
from rfviewer.gui.ribbon_paint import IDLE
from rfviewer.gui.timeline_data import KEPT_NS, Pace, SpanStore
from rfviewer.gui.timeline_page import AUTO_FRAMES, SPANS_MS, span_text
from rfviewer.optimizations import Optimizations
from rfviewer.snapshot import FrameSample
from rfviewer.timing import Span, Stage, StageTimings
from tests.gui.fake_session import FakeSession

MS = 1_000_000
SLOW = Pace(took_ns=2_400 * MS, every_ns=1_500 * MS)
"""As the demo model takes it on two cores: a frame lasts longer than a second."""


def frames(pace: Pace, count: int, end_ns: int) -> tuple[FrameSample, ...]:
    """Frames on two slots, the last one done at `end_ns`."""
    made = []
    for index in range(count):
        done = end_ns - (count - 1 - index) * pace.every_ns
        start = done - pace.took_ns
        parts = (Span(f"slot {index % 2}", Stage.INFER, start, done),)
        timings = StageTimings({Stage.INFER: pace.took_ns / 1e6}, start, done, parts)
        made.append(FrameSample(index, 0.0, done, timings, Optimizations(), 1))
    return tuple(made)


def store_of(pace: Pace, count: int = 8) -> SpanStore:
    store = SpanStore()
    store.add(frames(pace, count, time.monotonic_ns()))
    return store


class SlowSession(FakeSession):
    """Tells of slow frames with its first snapshot."""

    def _samples(self) -> tuple[FrameSample, ...]:
        if self._sampled:
            return ()
        self._sampled = 1
        return frames(SLOW, 8, time.monotonic_ns())


def test_the_pace_is_that_of_the_newest_frames():
    store = store_of(SLOW)
    assert store.pace == SLOW
    assert SLOW.span_of(1) == SLOW.took_ns
    assert SLOW.frames_in(SLOW.span_of(4)) == 4
    assert SLOW.frames_in(SLOW.took_ns - 1) == 0
    store.add(frames(Pace(10 * MS, 5 * MS), 20, store.newest_ns + 100 * MS))
    assert store.pace == Pace(10 * MS, 5 * MS)
    store.clear()
    assert store.pace is None


def test_frames_that_share_a_pass_are_paced_by_their_passes():
    store = SpanStore()
    end = time.monotonic_ns()
    for number in range(4):
        (one,) = frames(Pace(8 * MS, 6 * MS), 1, end + 6 * MS * number)
        store.add([one] * 2)
    assert store.pace == Pace(8 * MS, 6 * MS)


def test_the_ribbon_opens_with_several_frames_in_view(make_window, qtbot):
    window = make_window(SlowSession())
    window.actions_["page_timeline"].trigger()
    page = window.lab_parts.strip.page(TIMELINE)
    qtbot.waitUntil(lambda: page.ribbon.window_ns >= SLOW.span_of(AUTO_FRAMES))
    assert page.ribbon.window_ns == 10_000 * MS
    qtbot.waitUntil(lambda: page.span.text() == "10 s, 6 frames")
    assert "A frame takes 2400 ms here." in page.span.toolTip()
    assert "several frames" in page.span.toolTip()
    qtbot.waitUntil(lambda: IDLE in page.ribbon.lanes())
    assert not page.ribbon.grab().isNull()  # the axis counts in seconds now


def test_a_fast_engine_keeps_its_short_span(make_window, qtbot):
    window = make_window(FakeSession(gpu=True))
    window.actions_["page_timeline"].trigger()
    page = window.lab_parts.strip.page(TIMELINE)
    qtbot.waitUntil(lambda: page.ribbon.window_ns == SPANS_MS[0] * MS)
    qtbot.waitUntil(lambda: "frames" in page.span.text())


def test_a_chosen_span_stays_until_several_frames_are_asked_for(make_window, qtbot):
    window = make_window(SlowSession())
    window.actions_["page_timeline"].trigger()
    page = window.lab_parts.strip.page(TIMELINE)
    qtbot.waitUntil(lambda: page.ribbon.window_ns == 10_000 * MS)
    actions = {action.text(): action for action in page.span.menu().actions()}
    for text, ms in (("30 s", 30_000), ("1 s", 1000), ("60 s", 60_000)):
        actions[text].trigger()
        assert page.ribbon.window_ns == ms * MS
        window.poller._on_snapshot_due()
        assert page.ribbon.window_ns == ms * MS
    assert "Chosen by you" in page.span.toolTip()
    actions["Several frames"].trigger()
    assert page.ribbon.window_ns == 10_000 * MS


def test_no_span_is_longer_than_what_is_kept(make_window, qtbot, monkeypatch):
    monkeypatch.setattr("rfviewer.gui.timeline_data._CAPACITY", 64)
    window = make_window(FakeSession(gpu=True))
    window.actions_["page_timeline"].trigger()
    page = window.lab_parts.strip.page(TIMELINE)
    qtbot.waitUntil(lambda: page.ribbon.store.reach_ns < KEPT_NS)
    page.choose_span(60_000)
    assert page.ribbon.window_ns == page.ribbon.longest_ns < 60_000 * MS
    page.span.menu().aboutToShow.emit()
    actions = {action.text(): action for action in page.span.menu().actions()}
    assert actions["1 s"].isEnabled()
    assert not actions["60 s"].isEnabled()


@pytest.mark.parametrize(("ms", "text"), [(50, "50 ms"), (1000, "1 s"), (60_000, "60 s")])
def test_a_span_in_words(ms, text):
    assert span_text(ms * MS) == text
