"""The parity badge with its dialog, and the split line."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt

from rfviewer.config import EngineConfig
from rfviewer.experiment import Badge, ParityReading, ParityWatch
from rfviewer.gui import icons
from rfviewer.gui.parity_dialog import ParityDialog
from rfviewer.gui.parity_text import ICONS, badge_text, reading_lines, reading_sentence
from rfviewer.gui.reference_cost import LOADING, ReferenceCost
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


def test_a_score_difference_below_its_limit_does_not_read_as_the_limit():
    lines = dict(reading_lines(reading(Badge.AMBER, score_max=0.00089)))
    assert lines["Scores, largest difference"] == "0.00089"


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
