"""The parity badge with its dialog, the split line, the held baseline, the latency page."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from rfviewer.config import EngineConfig
from rfviewer.experiment import Badge, CeilingsRequest, LabStatus, ParityReading, ParityWatch
from rfviewer.gui import icons
from rfviewer.gui.lab_parts import LATENCY
from rfviewer.gui.latency_data import PARTS, LatencyBook
from rfviewer.gui.latency_page import change_text
from rfviewer.gui.parity_dialog import ParityDialog
from rfviewer.gui.parity_text import ICONS, badge_text, reading_lines, reading_sentence
from rfviewer.gui.reference_cost import LOADING, ReferenceCost
from rfviewer.optimizations import Optimizations, toggle_names
from rfviewer.result import DeviceUsage
from rfviewer.snapshot import FrameSample, PlayState, PresentedFrame
from rfviewer.timing import StageTimings
from tests.gui.fake_lab import FakeLab
from tests.gui.fake_session import FakeSession


def reading(badge: Badge, **figures) -> ParityReading:
    lab = FakeLab(gpu=True)
    lab.compare(badge, **figures)
    return lab.reading


def test_every_state_has_a_shape_of_its_own(qapp):
    assert len(set(ICONS.values())) == len(Badge)
    pictures = [icons.pixmap(name, "#808080", 32, 1.0).toImage() for name in ICONS.values()]
    for index, picture in enumerate(pictures):
        assert all(picture != other for other in pictures[index + 1 :])


def test_the_words_of_a_reading():
    assert badge_text(ParityReading()) == "Parity"
    assert badge_text(ParityReading(badge=Badge.WAITING)) == "Parity waiting"
    assert badge_text(reading(Badge.GREEN)) == "Parity ok"
    assert badge_text(reading(Badge.GREEN, box_max_px=0.0, score_max=0.0)) == "Parity exact"
    assert badge_text(reading(Badge.RED, flips=1)) == "Parity 1 class changed"
    assert badge_text(reading(Badge.RED, flips=2)) == "Parity 2 classes changed"
    assert badge_text(reading(Badge.RED, missing=3)) == "Parity 3 missing"
    off = reading(Badge.RED, box_max_px=0.49, cause="score off by 0.02")
    assert badge_text(off) == "Parity score off by 0.02"
    assert badge_text(reading(Badge.AMBER, soft=2)) == "Parity 2 near the threshold"
    assert badge_text(reading(Badge.AMBER)) == "Parity close to a limit"
    assert "1 class has changed" in reading_sentence(reading(Badge.RED, flips=1))
    lines = dict(reading_lines(reading(Badge.AMBER)))
    assert lines["Mask IoU, least and mean"] == "0.9981 and 0.99996"
    assert dict(reading_lines(reading(Badge.AMBER, iou_min=None)))["Mask IoU, least and mean"] == (
        "no masks"
    )
    assert "all 214 frames pass" in reading_sentence(reading(Badge.GREEN)).lower()
    assert "214 frames compared" in reading_sentence(reading(Badge.RED))


def test_the_badge_switches_the_watch_and_follows_it(window, session, qtbot):
    badge = window.lab_parts.badge
    assert badge.badge is Badge.OFF
    badge.click()
    assert session.asked("watch_parity")[-1] == (ParityWatch(),)
    assert badge.badge is Badge.WAITING
    assert window.actions_["parity"].isChecked()
    for state in (Badge.GREEN, Badge.AMBER, Badge.RED):
        session.lab.compare(state)
        qtbot.waitUntil(lambda state=state: badge.badge is state)
        assert badge.accessibleName() == badge.text()
        assert badge.accessibleDescription()
    session.lab.reading = ParityReading(badge=Badge.UNAVAILABLE, reason="There is no fp16 here.")
    qtbot.waitUntil(lambda: badge.badge is Badge.UNAVAILABLE)
    assert "no fp16 here" in badge.toolTip()
    window.actions_["parity"].trigger()
    assert session.asked("watch_parity")[-1] == (None,)
    assert badge.badge is Badge.OFF
    assert not window.actions_["parity"].isChecked()


def test_a_new_engine_process_is_asked_to_watch_again(window, session, qtbot):
    badge = window.lab_parts.badge
    badge.click()
    session.lab.compare(Badge.GREEN)
    qtbot.waitUntil(lambda: badge.badge is Badge.GREEN)
    session.lab.reading = ParityReading()  # as a process says that has just started
    qtbot.waitUntil(lambda: session.asked("watch_parity") == [(ParityWatch(),)] * 2)
    assert badge.badge is Badge.WAITING


def test_how_often_and_against_what(window, session):
    badge = window.lab_parts.badge
    badge.every[10].trigger()
    assert session.asked("watch_parity") == []
    badge.click()
    assert session.asked("watch_parity")[-1][0].every == 10
    badge.references["fp32"].trigger()
    watch = session.asked("watch_parity")[-1][0]
    assert watch == ParityWatch(every=10, engine=EngineConfig(precision="fp32"))
    badge.references["auto"].trigger()
    assert session.asked("watch_parity")[-1][0].engine is None


@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_a_click_shows_the_worst_frame(window, session, qtbot, tmp_path):
    badge = window.lab_parts.badge
    badge.click()
    session.lab.compare(Badge.RED, tmp_path, flips=1, failures=("frame 143: a car became a truck",))
    qtbot.waitUntil(lambda: badge.badge is Badge.RED)
    badge.click()
    dialog = window.findChild(ParityDialog)
    qtbot.waitUntil(lambda: not dialog.picture.image.isNull())
    assert dialog.figures["Classes changed"].text().startswith("1 of")
    assert "a car became a truck" in dialog.failures.text()
    dialog.close()


def test_the_top_bar_gives_up_words_before_the_window_grows(window, session, qtbot):
    badge = window.lab_parts.badge
    badge.click()
    session.lab.compare(Badge.RED, flips=12)
    qtbot.waitUntil(lambda: badge.text() == "Parity 12 classes changed")
    window.resize(560, 480)
    assert window.width() == 560
    qtbot.waitUntil(lambda: badge.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonIconOnly)
    assert badge.accessibleName() == "Parity 12 classes changed"
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: badge.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonTextBesideIcon)


@pytest.fixture
def split(window, qtbot):
    window.actions_["split"].trigger()
    handle = window.lab_parts.marks.handle
    qtbot.waitUntil(handle.isVisible)
    return handle


def sent(session) -> float | None:
    return session.asked("set_view")[-1][0].split


def test_the_split_line_starts_a_watch_and_ends_it(window, session, split):
    assert sent(session) == 0.5
    assert session.asked("watch_parity") == [(ParityWatch(),)]
    assert window.lab_parts.marks.sides[0].text() == "Reference: loading a second network"
    assert LOADING in window.status.state_text
    window.actions_["split"].trigger()
    assert sent(session) is None
    assert session.asked("watch_parity")[-1] == (None,)
    assert not split.isVisible()


def test_the_second_network_is_told_with_what_it_takes():
    told = []
    cost = ReferenceCost(told.append)
    snapshot = FakeSession().poll()
    small, large = (replace(snapshot, rss_bytes=size) for size in (400_000_000, 802_000_000))
    waiting, compared = ParityReading(badge=Badge.WAITING), reading(Badge.GREEN)
    cost.reading(waiting, small)
    assert told == []
    cost.watch_changed(ParityWatch(), small)
    cost.watch_changed(ParityWatch(every=10), small)
    cost.reading(waiting, large)
    assert told == [LOADING]
    for _ in range(2):
        cost.reading(compared, large)
    assert told == [LOADING, "The reference is there; the engine has grown by 402 MB."]
    cost.watch_changed(None, large)
    cost.watch_changed(ParityWatch(), large)
    cost.reading(compared, small)  # nothing grew: no figure
    assert told[2:] == [LOADING]


def test_a_watch_of_the_user_outlives_the_split_line(window, session, qtbot):
    window.lab_parts.badge.click()
    window.actions_["split"].trigger()
    window.actions_["split"].trigger()
    assert session.asked("watch_parity") == [(ParityWatch(),)]


def test_each_key_ends_only_what_it_began(window, session, qtbot):
    """W and then G took the line and the comparison away: each acts on its own thing."""
    view, split, parity = window.video.view, window.actions_["split"], window.actions_["parity"]
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    view.setFocus()

    def press(key):
        qtbot.keyClick(view, key)
        return window.model.view.split is not None, session.lab.watch is not None

    assert press(Qt.Key.Key_W) == (True, True)
    assert (split.isChecked(), parity.isChecked()) == (True, False)
    assert press(Qt.Key.Key_G) == (True, True)
    assert (split.isChecked(), parity.isChecked()) == (True, True)
    assert "goes on when the split line is taken away" in window.status.state_text
    assert press(Qt.Key.Key_W) == (False, True)
    assert press(Qt.Key.Key_W) == (True, True)
    assert press(Qt.Key.Key_G) == (True, True)
    assert (split.isChecked(), parity.isChecked()) == (True, False)
    assert "still needs the comparison" in window.status.state_text
    assert press(Qt.Key.Key_W) == (False, False)
    assert press(Qt.Key.Key_G) == (False, True)
    assert press(Qt.Key.Key_G) == (False, False)
    # One network for both, loaded once and freed twice.
    assert session.asked("watch_parity") == [(ParityWatch(),), (None,), (ParityWatch(),), (None,)]


def test_the_split_line_uses_the_chosen_reference(window, session):
    window.lab_parts.badge.every[10].trigger()
    window.actions_["split"].trigger()
    assert session.asked("watch_parity") == [(ParityWatch(every=10),)]


def test_dragging_snaps_and_a_double_click_centres(window, session, split, qtbot):
    image = window.video.view.image_rect()
    middle = QPoint(split.width() // 2, split.height() // 3)
    qtbot.mousePress(split, Qt.MouseButton.LeftButton, pos=middle)
    target = round(image.left() + 0.31 * image.width())
    qtbot.mouseMove(split, split.mapFromParent(QPoint(target, 0)) + QPoint(0, middle.y()))
    assert split.share == pytest.approx(0.31, abs=0.01)
    target = round(image.left() + 0.252 * image.width())
    qtbot.mouseMove(split, split.mapFromParent(QPoint(target, 0)) + QPoint(0, middle.y()))
    assert split.share == 0.25
    qtbot.mouseRelease(split, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.waitUntil(lambda: sent(session) == 0.25)
    assert split.geometry().center().x() == pytest.approx(
        image.left() + 0.25 * image.width(), abs=2
    )
    qtbot.mouseDClick(split, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.waitUntil(lambda: sent(session) == 0.5)
    qtbot.mouseRelease(split, Qt.MouseButton.LeftButton, pos=middle)


def test_arrows_move_the_line_and_do_not_seek(window, session, split, qtbot):
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    split.setFocus()
    qtbot.keyClick(split, Qt.Key.Key_Right)
    qtbot.keyClick(split, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert split.share == pytest.approx(0.41)
    qtbot.waitUntil(lambda: sent(session) == pytest.approx(0.41))
    qtbot.keyClick(split, Qt.Key.Key_Home)
    assert split.share == 0.0
    assert session.asked("seek") == []
    assert split.accessibleName() == "Split line"
    assert "0 %" in split.accessibleDescription()


def test_the_line_follows_the_picture(window, split, qtbot):
    view = window.video.view
    before = split.geometry().center().x()
    view.set_zoom(view.zoom * 2, None)
    view.set_zoom(None)
    assert split.geometry().center().x() == before
    window.resize(1000, 700)
    image = view.image_rect()
    qtbot.waitUntil(lambda: abs(split.geometry().center().x() - view.image_rect().center().x()) < 3)
    assert image.isValid()


def press(window, kind, *, repeat=False):
    event = QKeyEvent(kind, Qt.Key.Key_A, Qt.KeyboardModifier.NoModifier, "a", repeat)
    QApplication.sendEvent(window, event)


def test_the_held_baseline_is_named_on_the_video(window, session, qtbot):
    tag = window.lab_parts.marks.held
    before = window.model.optimizations
    press(window, QEvent.Type.KeyPress)
    assert tag.isVisible()
    assert tag.text() == "Baseline"
    assert window.model.optimizations == Optimizations.baseline()
    press(window, QEvent.Type.KeyRelease, repeat=True)
    press(window, QEvent.Type.KeyPress, repeat=True)
    assert len(session.asked("set_optimizations")) == 1
    press(window, QEvent.Type.KeyRelease)
    assert not tag.isVisible()
    assert window.model.optimizations == before


def test_losing_the_window_releases_the_baseline(window, session, qtbot):
    before = window.model.optimizations
    press(window, QEvent.Type.KeyPress)
    window.isActiveWindow = lambda: False
    QApplication.sendEvent(window, QEvent(QEvent.Type.ActivationChange))
    assert window.model.optimizations == before
    assert not window.lab_parts.marks.held.isVisible()


def sample(index: int, done_s: float, depth: int, *, wait_ms=5.0, engine_ms=10.0) -> FrameSample:
    done = int(done_s * 1e9)
    submit = done - int(engine_ms * 1e6)
    timings = StageTimings({}, submit, done)
    wanted = Optimizations(depth=depth)
    return FrameSample(index, 0.0, done, timings, wanted, 1, submit - int(wait_ms * 1e6))


def book_with(session: FakeSession, samples) -> LatencyBook:
    book = LatencyBook()
    snapshot = session.poll()
    last = samples[-1].done_time_ns
    book.add(replace(snapshot, samples=tuple(samples), time_ns=last, state=PlayState.PLAYING))
    return book


def test_queue_wait_and_engine_make_the_latency(session):
    book = book_with(session, [sample(i, 100 + i / 50, 2) for i in range(200)])
    recent = book.recent()
    assert recent["queue wait"].mean() == pytest.approx(5.0)
    assert recent["engine"].mean() == pytest.approx(10.0)
    assert recent["capture to result"].mean() == pytest.approx(15.0)
    assert recent["capture to shown"].size == 0
    ages, values = book.curves()["capture to result"]
    assert ages[-1] <= 0
    assert values.mean() == pytest.approx(15.0)


def test_a_frame_is_shown_once_and_only_in_playback(session):
    book = book_with(session, [sample(0, 100.0, 2)])
    frame = PresentedFrame(None, 7, 0.2, 1, int(99.9e9), 0.0)
    book.painted(frame, int(99.95e9))
    book.painted(frame, int(99.99e9))
    assert book.recent()["capture to shown"].tolist() == pytest.approx([50.0])
    book.painted(replace(frame, frame_index=8, capture_time_ns=0), int(99.99e9))
    assert book.recent()["capture to shown"].size == 1


@pytest.mark.parametrize("held", ["pause", "experiment"])
def test_what_a_pause_or_an_experiment_holds_back_is_no_latency(session, held):
    book = book_with(session, [sample(i, 100 + i / 50, 2) for i in range(50)])
    request = CeilingsRequest(target=Optimizations())
    still = replace(session.poll(), samples=(), time_ns=int(500e9), state=PlayState.PLAYING)
    if held == "pause":
        book.add(replace(still, state=PlayState.PAUSED))
    else:
        book.add(replace(still, lab=LabStatus(request, active=True)))
    # Two frames were captured before it began; those that follow come as they are captured.
    waited = [sample(50 + i, 500.2 + i / 50, 2, wait_ms=399_000.0) for i in range(2)]
    fresh = [sample(52 + i, 500.3 + i / 50, 2) for i in range(20)]
    after = replace(still, time_ns=int(501e9), lab=LabStatus(request, active=False))
    book.add(replace(after, samples=(*waited, *fresh)))
    for index, captured_s in ((51, 101.0), (52, 500.95)):
        book.painted(PresentedFrame(None, index, 0.2, 1, int(captured_s * 1e9), 0.0), int(501e9))
    recent = book.recent()
    assert recent["queue wait"].tolist() == pytest.approx([5.0] * 20)
    assert recent["capture to result"].max() == pytest.approx(15.0)
    assert recent["capture to shown"].tolist() == pytest.approx([50.0])
    assert np.nanmax(book.curves()["capture to result"][1]) == pytest.approx(15.0)


def test_a_change_of_the_depth_shows_what_it_costs(session):
    slow = [sample(i, 100 + i / 50, 1) for i in range(200)]
    fast = [sample(200 + i, 104 + i / 80, 3, wait_ms=20.0) for i in range(500)]
    book = book_with(session, slow + fast)
    (change,) = book.changes
    assert (change.before, change.after) == (1, 3)
    assert change.latency_before_ms == pytest.approx(15.0)
    assert change.latency_after_ms == pytest.approx(30.0)
    assert change.fps_before == pytest.approx(50, rel=0.05)
    assert change.fps_after == pytest.approx(80, rel=0.05)
    text = change_text(change)
    assert "1 \N{RIGHTWARDS ARROW} 3" in text
    assert "15.0" in text
    assert "30.0" in text
    assert "Change the frames in flight" in change_text(None)


def test_a_change_of_more_than_the_depth_is_not_put_down_to_it(session):
    all_on = [sample(i, 100 + i / 50, 3) for i in range(200)]
    off = Optimizations.baseline()
    baseline = [replace(sample(200 + i, 104 + i / 80, 1), optimizations=off) for i in range(500)]
    (change,) = book_with(session, all_on + baseline).changes
    names = [name for name in toggle_names() if name != "depth"]
    given = all_on[0].optimizations
    assert change.others == sum(getattr(given, name) != getattr(off, name) for name in names) > 1
    assert f"and {change.others} other switches" in change_text(change)
    assert "measuring what they do" in change_text(replace(change, latency_after_ms=None))


def test_the_latency_page_has_figures_rates_and_the_device(make_window, qtbot):
    session = FakeSession(gpu=True)
    session.usage = DeviceUsage(0.18, "", 10, 0.042, 0.11, 412.0, 1755, "power cap")
    window = make_window(session)
    window.actions_["page_latency"].trigger()
    page = window.lab_parts.strip.page(LATENCY)
    qtbot.waitUntil(lambda: page.cells["engine"][0].text() not in {"", "\N{EN DASH}"})
    qtbot.waitUntil(lambda: "412 W" in page.device.text())
    assert "1755 MHz" in page.device.text()
    assert "power cap" in page.throttle.text()
    assert page.rates["inferred"].text() == "612"
    assert set(page.cells) == set(PARTS)
    assert page.cells["engine"][0].accessibleName().startswith("engine p50")
