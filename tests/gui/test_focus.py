"""The keyboard belongs to the video until Tab says otherwise; the wheel scrolls."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QComboBox, QListView, QSlider, QToolButton

from rfviewer.gui.controls import Switch
from rfviewer.gui.engine_panel import precisions_of
from rfviewer.optimizations import Optimizations


@pytest.fixture
def active(window, qtbot):
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    if not window.panel.isVisible():  # the offscreen screen is 800 wide
        window.actions_["panel"].trigger()
    return window


def _turn_wheel(widget) -> QWheelEvent:
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle,
        QPointF(widget.mapToGlobal(middle.toPoint())),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event


def test_the_video_has_the_focus_when_the_window_appears(active):
    assert active.focusWidget() is active.video.pages


def test_space_plays_after_a_click_on_a_switch(active, session, qtbot):
    switch = active.panel.show_panel._switches["masks"]
    assert isinstance(switch, Switch)
    qtbot.mouseClick(switch, Qt.MouseButton.LeftButton)
    assert active.model.view.masks is False
    qtbot.keyClick(active.focusWidget(), Qt.Key.Key_Space)
    assert session.asked("pause") == [()]
    assert active.model.view.masks is False


def test_space_plays_after_a_click_on_a_bar_and_on_the_video(active, session, qtbot):
    loop = next(b for b in active.transport.findChildren(QToolButton) if b.text() == "Loop")
    qtbot.mouseClick(loop, Qt.MouseButton.LeftButton)
    assert active.focusWidget() is active.video.pages
    qtbot.mouseClick(active.video.view, Qt.MouseButton.LeftButton)
    qtbot.keyClick(active.focusWidget(), Qt.Key.Key_Space)
    assert session.asked("pause") == [()]


def test_tab_reaches_the_controls_and_space_acts_on_them(active, session, qtbot):
    reached = set()
    for _ in range(60):
        qtbot.keyClick(active.focusWidget(), Qt.Key.Key_Tab)
        reached.add(active.focusWidget())
        if active.focusWidget() is active.panel.show_panel._switches["masks"]:
            break
    else:
        pytest.fail(f"not reached among {len(reached)} controls")
    qtbot.keyClick(active.focusWidget(), Qt.Key.Key_Space)
    assert active.model.view.masks is False
    assert session.asked("pause") == []


def test_focus_stays_with_the_video_when_a_page_changes(active, session, qtbot):
    session.failure = "It cannot be read; open another."
    qtbot.waitUntil(lambda: active.video.pages.currentWidget() is active.video.error_panel)
    assert active.focusWidget() is active.video.pages


def test_the_wheel_changes_nothing_that_has_no_focus(active, session):
    before = len(session.calls)
    boxes = active.panel.findChildren(QComboBox)
    sliders = active.panel.findChildren(QSlider)
    spin = active.panel.show_panel._threshold._spin
    assert len(boxes) == 3
    assert len(sliders) == 2
    for widget in (*boxes, *sliders, spin):
        _turn_wheel(widget)
    assert len(session.calls) == before
    spin.setFocus()
    _turn_wheel(spin)
    assert active.model.view.threshold == 0.45


def test_the_wheel_over_a_control_is_left_to_the_scroll_area(active):
    # An event that a test sends goes no further by itself: Qt hands on only those of the system.
    assert not _turn_wheel(active.panel.show_panel._threshold._slider).isAccepted()


def test_a_letter_held_on_the_class_list_still_shows_the_baseline(active, session, qtbot):
    classes = next(v for v in active.findChildren(QListView) if v.accessibleName() == "Classes")
    qtbot.waitUntil(classes.isVisible)
    classes.setFocus()
    assert active.focusWidget() is classes
    qtbot.keyPress(classes, Qt.Key.Key_A)
    assert session.asked("set_optimizations")[-1] == (Optimizations.baseline(),)
    qtbot.keyRelease(classes, Qt.Key.Key_A)
    assert session.asked("set_optimizations")[-1] == (active.model.optimizations,)


def test_precisions_are_those_of_the_backend(active):
    panel = active.panel.engine
    box = panel._precision

    def offered() -> list[str]:
        return [box.itemData(index) for index in range(box.count())]

    active.model.update_engine(backend="torch")
    assert offered() == ["auto", "fp32", "tf32", "fp16", "bf16"]
    active.model.update_engine(backend="onnxruntime")
    assert offered() == ["auto", *precisions_of("onnxruntime")[1:]]
    assert "bf16" not in offered()
    assert "bf16" not in precisions_of("tensorrt")
