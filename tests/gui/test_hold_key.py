"""The key that shows the baseline while it is held."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from rfviewer.optimizations import Optimizations


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
