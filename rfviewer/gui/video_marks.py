"""What lies over the video: the tag of the held baseline, and the split line with its names."""

from typing import override

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QLabel, QWidget

from rfviewer.config import View
from rfviewer.experiment import Badge
from rfviewer.gui.controls import label
from rfviewer.gui.lab_model import LabModel
from rfviewer.gui.lab_text import request_title
from rfviewer.gui.model import SessionModel
from rfviewer.gui.split_handle import SplitHandle
from rfviewer.gui.tokens import GAP_PX, scaled
from rfviewer.gui.video_view import VideoView
from rfviewer.lab.pacing import head_of

_LATER = {
    Badge.OFF: "loading a second network",
    Badge.WAITING: "loading a second network",
    Badge.UNAVAILABLE: "there is none here",
}
"""What is told of the left side while nothing can be drawn there."""
SIDES = ("Reference", "As set now")
"""What is left and right of the line."""
_LEAST_PX = 24
"""Less room than that beside the line holds no word."""


def tag(parent: QWidget, text: str = "") -> QLabel:
    """Return a small dark label that lies over the picture."""
    made = label(text)
    made.setObjectName("VideoTag")
    made.setParent(parent)
    made.setFont(scaled(made.font(), 1.0, bold=True))
    made.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    made.setVisible(False)
    return made


def name_that_fits(title: str, what: str, room: int, metrics: QFontMetrics) -> str:
    """Return the name of a side in `room` px: whole, cut at its end, or its title alone.

    Empty where not even a part of the title is legible.
    """
    whole = f"{title}: {what}" if what else title
    if metrics.horizontalAdvance(whole) <= room:
        return whole
    alone = metrics.horizontalAdvance(title)
    if what and room > alone + metrics.horizontalAdvance(": mmm"):
        return metrics.elidedText(whole, Qt.TextElideMode.ElideRight, room)
    if alone <= room:
        return title
    return metrics.elidedText(title, Qt.TextElideMode.ElideRight, room) if room > _LEAST_PX else ""


def _padding(name: QLabel) -> int:
    """Return what a tag is wider than its text."""
    return name.sizeHint().width() - name.fontMetrics().horizontalAdvance(name.text())


class VideoMarks(QObject):
    """Keeps the marks where the picture is. GUI thread only."""

    def __init__(self, view: VideoView, model: SessionModel, lab: LabModel) -> None:
        super().__init__(view)
        self._view = view
        self._model = model
        self._lab = lab
        self.held = tag(view, "Baseline")
        self.busy = tag(view)
        self.sides = (tag(view), tag(view))
        """What is left and right of the line. They lie over the picture and are no part of it, so
        that they can be read whatever its size."""
        self.handle = SplitHandle(view)
        self.handle.moved.connect(lambda share: model.update_view(split=share))
        model.view_changed.connect(self._on_view)
        model.held_changed.connect(self._on_held)
        lab.parity_changed.connect(lambda _: self.arrange())
        lab.watch_changed.connect(self.arrange)
        lab.changed.connect(self._on_lab)
        view.zoom_changed.connect(self.arrange)
        view.installEventFilter(self)
        self._on_view(model.view)

    def set_split(self, *, on: bool) -> None:
        """Show the split line, which needs a reference, or take it away."""
        self._lab.split(on=on)
        self._model.update_view(split=self.handle.share if on else None)

    def arrange(self) -> None:
        """Put every mark where it belongs now."""
        image = self._view.image_rect()
        shown = self._model.view.split is not None and image.isValid()
        self.handle.setVisible(shown)
        top = self._top(image)
        if shown:
            self._arrange_split(image)
            top += self.sides[0].height() + GAP_PX
        else:
            for name in self.sides:
                name.setVisible(False)
        for mark in (self.held, self.busy):
            if mark.isVisible():
                mark.adjustSize()
                mark.resize(min(mark.width(), self._view.width()), mark.height())
                mark.move((self._view.width() - mark.width()) // 2, top)
                top += mark.height() + GAP_PX

    def _arrange_split(self, image: QRectF) -> None:
        self.handle.place(image, None if self.handle.dragged else self._model.view.split)
        reading = self._lab.parity
        waits = "" if reading.compared else _LATER.get(reading.badge, "")
        line = self.handle.geometry().center().x()
        gap = GAP_PX + 3
        ends = max(0, round(image.left())), min(self._view.width(), round(image.right()))
        rooms = line - gap - ends[0], ends[1] - line - gap
        told = (waits or reading.sides[0], reading.sides[1])
        for name, title, what, room in zip(self.sides, SIDES, told, rooms, strict=True):
            name.setText(name_that_fits(title, what, room - _padding(name), name.fontMetrics()))
            name.setVisible(bool(name.text()))
            name.setAccessibleName(f"{title}: {what}" if what else title)
            name.adjustSize()
            left = line - gap - name.width() if name is self.sides[0] else line + gap
            name.move(left, self._top(image))
            name.raise_()
        self.handle.raise_()

    def _top(self, image: QRectF) -> int:
        return max(0, round(image.top())) + GAP_PX

    def _on_view(self, view: View) -> None:
        if view.split is not None and not self.handle.dragged:
            self.handle.place(self._view.image_rect(), view.split)
        self.arrange()

    def _on_held(self, held: bool) -> None:
        self.held.setVisible(held)
        self.held.raise_()
        self.arrange()

    def _on_lab(self) -> None:
        request, status = self._lab.running, self._lab.status
        if request is not None:
            step = head_of(status.step) if status is not None and status.active else ""
            parts = [request_title(request), step, "Ctrl+. stops"]
            self.busy.setText("  \N{MIDDLE DOT}  ".join(part for part in parts if part))
        self.busy.setVisible(request is not None)
        self.arrange()

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in {QEvent.Type.Resize, QEvent.Type.Show}:
            self.arrange()
        return False
