"""The dialog about recordings that were cut off: recover, keep or delete each."""

from collections.abc import Callable, Sequence
from typing import override

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from rfviewer.errors import RfviewerError
from rfviewer.gui.background import Background
from rfviewer.gui.controls import heading, label
from rfviewer.gui.margins import without_margins
from rfviewer.gui.safety_services import Leftover, SafetyServices
from rfviewer.gui.text import bytes_text, clock_text, tooltip
from rfviewer.gui.tokens import GAP_PX, PAD_PX

_WIDTH_PX, _MAX_HEIGHT_PX = 620, 480
_DELETE, _REALLY = "Delete", "Really delete?"


class Recovery(QObject):
    """Looks for cut-off recordings beside the window and offers them."""

    def __init__(self, window: QWidget, services: SafetyServices, background: Background) -> None:
        super().__init__(window)
        self._window, self._services, self._background = window, services, background
        self.dialog: RecoveryDialog | None = None
        """On show, or the last one."""

    def look(self, tell_nothing: Callable[[], None] | None = None) -> None:
        """Show the dialog if there is something; else call `tell_nothing`."""

        def found(leftovers: Sequence[Leftover]) -> None:
            if leftovers:
                self._show(leftovers)
            elif tell_nothing is not None:
                tell_nothing()

        self._background.run("recovery", self._services.find_leftovers, found)

    def _show(self, leftovers: Sequence[Leftover]) -> None:
        if self.dialog is not None:
            self.dialog.close()
            self.dialog.deleteLater()
        self.dialog = RecoveryDialog(leftovers, self._services, self._background, self._window)
        # Not modal: the video may be what matters now.
        self.dialog.show()


class RecoveryDialog(QDialog):
    """One row per recording. Closing it leaves the others for the next start."""

    def __init__(
        self,
        leftovers: Sequence[Leftover],
        services: SafetyServices,
        background: Background,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Recordings that were cut off")
        self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, on=False)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(20, 16, 20, 16)
        outer.setSpacing(PAD_PX)
        many = len(leftovers) > 1
        outer.addWidget(heading("Recordings were cut off" if many else "A recording was cut off"))
        text = label(
            f"rfviewer or the computer stopped before {'they were' if many else 'it was'} finished."
            " What was written until then can be played. Nothing is ever replaced.",
            muted=True,
        )
        text.setWordWrap(True)
        outer.addWidget(text)
        content = QWidget()
        column = without_margins(QVBoxLayout(content), spacing_px=GAP_PX)
        self.rows = [_Row(leftover, services, background) for leftover in leftovers]
        for row in self.rows:
            column.addWidget(row)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        outer.addWidget(scroll, 1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        self.all = QPushButton("Recover all")
        self.all.setProperty("primary", "true")
        self.all.setVisible(many)
        self.all.clicked.connect(self._recover_all)
        self.later = QPushButton("Ask again next time")
        self.later.clicked.connect(self.close)
        for row in self.rows:
            row.settled = self._on_settled
        buttons.addWidget(self.all)
        buttons.addWidget(self.later)
        outer.addLayout(buttons)
        wanted = content.sizeHint().height() + 190
        self.resize(_WIDTH_PX, min(_MAX_HEIGHT_PX, wanted))

    def _recover_all(self) -> None:
        for row in self.rows:
            row.recover()

    def _on_settled(self) -> None:
        if all(row.done for row in self.rows):
            self.all.setVisible(False)
            self.later.setText("Close")


class _Row(QFrame):
    """One recording and what becomes of it."""

    def __init__(
        self, leftover: Leftover, services: SafetyServices, background: Background
    ) -> None:
        super().__init__()
        self.setObjectName("Card")
        self._leftover, self._services, self._background = leftover, services, background
        self.done = False
        """Whether the user has decided, and it was done."""
        self.settled: Callable[[], None] = lambda: None
        column = QVBoxLayout(self)
        column.setContentsMargins(PAD_PX, GAP_PX, PAD_PX, GAP_PX)
        column.setSpacing(2)
        self.name = _Name(leftover.target.name)
        self.outcome = label(_facts(leftover), muted=True)
        self.outcome.setWordWrap(True)
        self.outcome.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.outcome.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        top = QHBoxLayout()
        top.setSpacing(GAP_PX)
        self.recover_button = QPushButton("Recover")
        self.recover_button.clicked.connect(self.recover)
        self.keep_button = QPushButton("Keep as is")
        self.keep_button.clicked.connect(self._keep)
        self.delete_button = QPushButton(_DELETE)
        self.delete_button.clicked.connect(self._delete)
        self._buttons = (self.recover_button, self.keep_button, self.delete_button)
        for button in self._buttons:
            button.setAccessibleDescription(leftover.target.name)
        top.addWidget(self.name, 1)
        for button in self._buttons:
            top.addWidget(button)
        column.addLayout(top)
        column.addWidget(self.outcome)

    def recover(self) -> None:
        """Finish the file, beside the window."""
        if self.done or not self.recover_button.isEnabled():
            return
        self._work("Finishing…", lambda: self._services.recover(self._leftover))

    def _keep(self) -> None:
        def keep() -> str:
            self._services.keep(self._leftover)
            return f"Left as {self._leftover.path}"

        self._work("", keep)

    def _delete(self) -> None:
        if self.delete_button.text() == _DELETE:
            self.delete_button.setText(_REALLY)
            return

        def delete() -> str:
            self._services.delete(self._leftover)
            return "Deleted"

        self._work("Deleting…", delete)

    def _work(self, meanwhile: str, job: Callable[[], str]) -> None:
        """Run `job` off the GUI thread; its sentence, or that of its error, is the outcome."""

        def guarded() -> tuple[bool, str]:
            try:
                return True, job()
            except RfviewerError as error:
                return False, str(error)

        for button in self._buttons:
            button.setEnabled(False)
        if meanwhile:
            self.outcome.setText(meanwhile)
        self._background.run("recovery", guarded, self._on_worked)

    def _on_worked(self, result: tuple[bool, str]) -> None:
        self.done, sentence = result
        self.outcome.setText(sentence)
        self.delete_button.setText(_DELETE)
        for button in self._buttons:
            button.setEnabled(not self.done)
            button.setVisible(not self.done)
        self.settled()


class _Name(QLabel):
    """A file name in one line, cut in the middle where it is too long."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setToolTip(tooltip(name))
        self.setAccessibleName(name)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        metrics, middle = self.fontMetrics(), Qt.TextElideMode.ElideMiddle
        self.setText(metrics.elidedText(self._name, middle, self.width()))
        super().resizeEvent(event)


def _facts(leftover: Leftover) -> str:
    when = leftover.changed.astimezone().strftime("%Y-%m-%d %H:%M")
    length = "" if leftover.duration_s is None else f"{clock_text(leftover.duration_s)} long, "
    return f"{length}{bytes_text(leftover.size_bytes)}, {when}, in {leftover.path.parent}"
