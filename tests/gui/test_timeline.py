"""The ribbon: its data, its manners, what it says; files that are written from it."""

import json
import time

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from rfviewer.gui.lab_parts import TIMELINE
from rfviewer.gui.ribbon import MIN_WINDOW_NS, Ribbon
from rfviewer.gui.ribbon_paint import IDLE
from rfviewer.gui.ribbon_raster import lane_pixels, packed
from rfviewer.gui.timeline_data import Hit, SpanStore
from rfviewer.gui.timeline_page import hit_text
from rfviewer.lab.timeline import timeline_of
from rfviewer.optimizations import Optimizations
from rfviewer.snapshot import FrameSample
from rfviewer.timing import Span, Stage, StageTimings
from tests.gui.fake_session import FakeSession
from tests.gui.fake_timings import spans

MS = 1_000_000
T0 = time.monotonic_ns() - 10_000 * MS  # in the past, however long the machine is up
TIMES = {Stage.H2D: 0.1, Stage.PREPROCESS: 0.2, Stage.INFER: 1.6, Stage.POSTPROCESS: 0.3}


def sample(index: int, parts: tuple[Span, ...], done_ns: int) -> FrameSample:
    timings = StageTimings({}, done_ns - 2 * MS, done_ns, parts)
    return FrameSample(index, index / 30, done_ns, timings, Optimizations(), 5)


def frames(count: int = 120, every_ns: int = 2 * MS) -> list[FrameSample]:
    """Frames on two slots with a gap now and then."""
    rng = np.random.default_rng(3)
    made, done = [], T0
    for index in range(count):
        done += every_ns + int(rng.integers(0, 2 * MS)) * (index % 3 == 0)
        made.append(sample(index, spans(index, done, TIMES, 2), done))
    return made


@pytest.fixture
def store() -> SpanStore:
    made = SpanStore()
    made.add(frames())
    return made


def test_idle_is_what_no_slot_fills(store):
    known = [s for one in frames() for s in one.timings.spans if s.lane.startswith("slot")]
    start, end = min(s.start_ns for s in known), max(s.end_ns for s in known)
    busy = np.zeros((end - start) // 1000 + 1, bool)
    for span in known:
        busy[(span.start_ns - start) // 1000 : (span.end_ns - start) // 1000] = True
    assert store.idle_share(start, end) == pytest.approx(1 - busy.mean(), abs=0.01)
    gaps = store.idle_gaps(start, end)
    assert (gaps[:, 1] > gaps[:, 0]).all()
    assert (gaps[1:, 0] > gaps[:-1, 1]).all()
    for begin, stop in gaps:
        for lane in ("slot 0", "slot 1"):
            assert len(store.between(lane, begin, stop)) == 0


def test_the_share_of_a_stage_never_exceeds_the_time_shown(store):
    known = [s for one in frames() for s in one.timings.spans if s.lane.startswith("slot")]
    start, end = min(s.start_ns for s in known), max(s.end_ns for s in known)
    overlapping = SpanStore()
    parts = tuple(Span(f"slot {n}", Stage.INFER, T0, T0 + 8 * MS) for n in range(4))
    overlapping.add([sample(0, (*parts, Span("draw", Stage.RENDER, T0, T0 + 2 * MS)), T0 + 8 * MS)])
    shares = overlapping.stage_shares(T0, T0 + 8 * MS)
    assert shares == {Stage.INFER: 1.0, Stage.RENDER: 0.25}
    assert overlapping.busy_share("draw", T0, T0 + 10 * MS) == pytest.approx(0.2)
    assert overlapping.busy_share("write", T0, T0 + 10 * MS) == 0.0
    busy = np.zeros((end - start) // 1000 + 1, bool)
    for span in known:
        if span.stage is Stage.INFER:
            busy[(span.start_ns - start) // 1000 : (span.end_ns - start) // 1000] = True
    share = store.stage_shares(start, end)[Stage.INFER]
    assert share == pytest.approx(busy.mean(), abs=0.01)


def test_idle_equals_the_idle_of_the_exported_trace(store):
    timeline = timeline_of(frames())
    device = timeline.device_spans()
    start, end = device[0].start_ns, max(span.end_ns for span in device)
    assert store.idle_share(start, end) == pytest.approx(timeline.device_idle(), rel=0.01)


def test_nothing_is_idle_where_nothing_is_known(store):
    end = store.newest_ns
    assert store.idle_gaps(end + MS, end + 100 * MS).size == 0
    assert store.idle_share(end + MS, end + 100 * MS) is None
    last = store.idle_gaps(end - 5 * MS, end + 100 * MS)
    assert last.size == 0 or last[-1, 1] <= end


def test_lanes_are_slots_first_then_threads(store):
    assert store.lanes() == ["slot 0", "slot 1", "host", "decode", "draw"]


def test_a_span_is_found_with_the_gap_before_it(store):
    rows = store.between("slot 0", T0, store.newest_ns)
    first, second = rows[3], rows[4]
    hit = store.hit("slot 0", int(first[0] + first[1]) // 2)
    assert (hit.start_ns, hit.end_ns, hit.frame_index) == (first[0], first[1], first[3])
    gap = store.hit("slot 0", int(rows[:, 1].max()) + MS)
    assert gap is None
    assert store.hit("slot 0", int(second[0])).gap_ns == second[0] - first[1]
    assert store.hit("nowhere", T0) is None


def test_the_rings_keep_the_newest(monkeypatch):
    monkeypatch.setattr("rfviewer.gui.timeline_data._CAPACITY", 64)
    made = SpanStore()
    for one in frames(100):
        made.add([one])
    rows = made.between("slot 0", 0, made.newest_ns + 1)
    assert 30 <= len(rows) <= 64
    assert rows[-1, 3] == 98
    assert (np.diff(rows[:, 0]) > 0).all()
    made.clear()
    assert made.lanes() == []


def test_pixels_show_work_by_its_share():
    rows = np.array([[0, 50, 0, 1], [75, 100, 0, 2]], np.int64)
    palette = packed([(200, 100, 0), (0, 0, 0)])
    wide = lane_pixels(rows, 0, 100, 4, palette)[0, :, :3]
    assert wide.tolist() == [[0, 100, 200], [0, 100, 200], [0, 0, 0], [0, 100, 200]]
    one = lane_pixels(rows, 0, 100, 1, palette)[0, 0, :3]
    assert one.tolist() == [0, 75, 150]
    empty = lane_pixels(rows[:0], 0, 100, 2, palette)[0, :, :3]
    assert empty.tolist() == [[0, 0, 0]] * 2


@pytest.fixture
def ribbon(qtbot, store) -> Ribbon:
    made = Ribbon(store)
    qtbot.addWidget(made)
    made.resize(800, 140)
    made.show()
    qtbot.waitExposed(made)
    made.refresh()
    return made


def wheel(widget, at: QPointF, steps: int) -> None:
    event = QWheelEvent(
        at, widget.mapToGlobal(at), QPoint(), QPoint(0, 120 * steps), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_wheel_and_keys_zoom_and_keep_the_place_while_frozen(ribbon, qtbot):
    ribbon.set_frozen(frozen=True)
    before, at = ribbon.window_ns, QPointF(500, 60)
    moment = ribbon._time_at(at.x())
    wheel(ribbon, at, 2)
    assert ribbon.window_ns == pytest.approx(before / 1.25**2, rel=1e-6)
    assert ribbon._time_at(at.x()) == pytest.approx(moment, abs=ribbon.window_ns / 500)
    qtbot.keyClick(ribbon, Qt.Key.Key_Minus)
    assert ribbon.window_ns == pytest.approx(before / 1.25, rel=1e-6)
    ribbon.set_window(1)
    assert ribbon.window_ns == MIN_WINDOW_NS


@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_space_and_a_click_freeze_and_a_frozen_ribbon_stays(ribbon, store, qtbot):
    qtbot.keyClick(ribbon, Qt.Key.Key_Space)
    assert ribbon.frozen
    span = ribbon.span_ns
    store.add(frames(400))
    ribbon.refresh()
    assert ribbon.span_ns == span
    qtbot.keyClick(ribbon, Qt.Key.Key_Left)
    assert ribbon.span_ns[1] < span[1]
    qtbot.keyClick(ribbon, Qt.Key.Key_End)
    assert ribbon.span_ns[1] == span[1]
    qtbot.mouseClick(ribbon, Qt.MouseButton.LeftButton, pos=QPoint(400, 50))
    assert not ribbon.frozen
    assert ribbon.span_ns[1] > span[1]


@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_hovering_tells_span_and_gap(ribbon, qtbot):
    ribbon.set_frozen(frozen=True)
    ribbon.set_window(40 * MS, 1.0)
    hits = []
    ribbon.hovered.connect(hits.append)
    for y in range(4, 110, 4):
        for x in range(ribbon.name_width(), 790, 40):
            ribbon._pointer = QPointF(x, y)
            ribbon._find_hit()
    found = [hit for hit in hits if hit is not None]
    assert {hit.lane for hit in found} >= {"slot 0", "slot 1", "host", IDLE}
    assert any(hit.stage is Stage.INFER for hit in found)
    assert ribbon.grab().width() == 800


def test_what_the_pointer_says():
    hit = Hit("slot 1", Stage.INFER, 12, T0, T0 + 1_600_000, 40_000)
    text = hit_text(hit, T0 + 10 * MS)
    for part in ("slot 1: infer", "frame 12", "1.6 ms", "from \N{MINUS SIGN}10.00 ms", "0.04 ms"):
        assert part in text
    assert "no work on the device" in hit_text(Hit(IDLE, None, -1, T0, T0 + MS), T0)


def test_the_page_shows_shares_and_says_when_there_is_nothing(make_window, qtbot):
    session = FakeSession(gpu=True)
    session.with_spans = False
    window = make_window(session)
    window.actions_["page_timeline"].trigger()
    page = window.lab_parts.strip.page(TIMELINE)
    qtbot.waitUntil(lambda: "does not tell" in page._none.text())
    session.with_spans = True
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.ribbon)
    qtbot.waitUntil(lambda: "infer" in page.legend.text)
    assert "infer" in page.ribbon.accessibleDescription()
    assert "idle" in page.legend.text


def test_space_belongs_to_a_focused_ribbon(make_window, qtbot):
    session = FakeSession(gpu=True)
    window = make_window(session)
    window.actions_["page_timeline"].trigger()
    page = window.lab_parts.strip.page(TIMELINE)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.ribbon)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    page.ribbon.setFocus()
    qtbot.keyClick(page.ribbon, Qt.Key.Key_Space)
    assert page.ribbon.frozen
    assert page.freeze.isChecked()
    assert window.actions_["freeze"].isChecked()
    assert session.asked("pause") == []
    window.actions_["freeze"].trigger()
    assert not page.ribbon.frozen


def test_trace_and_report_are_written(make_window, qtbot, tmp_path):
    window = make_window(FakeSession(gpu=True))
    files = window.lab_parts.files
    qtbot.waitUntil(lambda: len(files.samples) > 50)
    window.lab.measure_toggle("limit_masks")
    qtbot.waitUntil(lambda: window.lab.effects != {})
    notices = []
    files.notice.connect(lambda _severity, text: notices.append(text))
    files.write_trace(tmp_path / "a.trace.json")
    files.write_report(tmp_path / "a.html")
    qtbot.waitUntil(lambda: len(notices) == 2)
    trace = json.loads((tmp_path / "a.trace.json").read_text())
    assert {event["name"] for event in trace["traceEvents"]} >= {"infer", "thread_name"}
    assert trace["otherData"]["command"].startswith("rfviewer")
    page = (tmp_path / "a.html").read_text()
    assert window.lab.status.result.verdict.split(" ")[0] in page


def test_an_empty_run_has_nothing_to_write(window, session):
    window.poller.stop()
    window.lab_parts.files.clear()
    for name in ("export_trace", "save_report"):
        window.actions_[name].trigger()
        assert "nothing to" in window.status.state_text


@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_the_last_seconds_are_saved(window, session, qtbot, tmp_path):
    from PySide6.QtWidgets import QFileDialog

    from rfviewer.gui.lab_outputs import ReplayDialog

    window.actions_["save_replay"].trigger()
    dialog = window.findChild(ReplayDialog)
    dialog._length._group.button(2).click()
    dialog.accept()
    files = window.findChild(QFileDialog)
    files.fileSelected.emit(str(tmp_path / "street"))
    files.close()
    assert session.asked("save_replay")[-1] == (tmp_path / "street.rfreplay", 20.0)
