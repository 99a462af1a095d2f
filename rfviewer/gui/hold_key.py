"""The key that shows the baseline while it is held."""

from typing import override

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from rfviewer.gui.model import SessionModel


class HoldKey(QObject):
    """Watches the events of a window. What has no key release must not hold for ever.

    The release of a held key goes to whichever window is active then, so losing that is a release.
    """

    def __init__(self, window: QWidget, model: SessionModel) -> None:
        super().__init__(window)
        self._window = window
        self._model = model
        window.installEventFilter(self)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if isinstance(event, QKeyEvent) and kind in {QEvent.Type.KeyPress, QEvent.Type.KeyRelease}:
            return self._on_key(event, pressed=kind == QEvent.Type.KeyPress)
        if kind == QEvent.Type.ActivationChange and not self._window.isActiveWindow():
            self._model.hold_baseline(held=False)
        return False

    def _on_key(self, event: QKeyEvent, *, pressed: bool) -> bool:
        if event.key() != Qt.Key.Key_A or (pressed and event.modifiers()):
            return False
        if not event.isAutoRepeat():
            self._model.hold_baseline(held=pressed)
        return True
