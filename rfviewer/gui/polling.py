"""Asks the session for images and snapshots: two timers that stop when nobody can see them."""

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from rfviewer.gui.model import SessionModel

IMAGE_INTERVAL_MS = 16
SNAPSHOT_INTERVAL_MS = 100


class Poller(QObject):
    """Takes the newest image 60 times and the newest snapshot 10 times a second.

    Hidden windows keep a slow snapshot poll, because a recording goes on and its end, its faults
    and a dead engine must still be noticed; images are not taken then.

    Signals:
        image: a `PresentedFrame` that was not shown yet.
    """

    image = Signal(object)

    def __init__(self, model: SessionModel, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model
        self._images = QTimer(self, interval=IMAGE_INTERVAL_MS)
        self._images.setTimerType(Qt.TimerType.PreciseTimer)
        self._images.timeout.connect(self._on_image_due)
        self._snapshots = QTimer(self, interval=SNAPSHOT_INTERVAL_MS)
        self._snapshots.timeout.connect(self._on_snapshot_due)

    def start(self) -> None:
        """Poll at full rate."""
        self._images.start()
        self._snapshots.start(SNAPSHOT_INTERVAL_MS)

    def idle(self) -> None:
        """Poll snapshots once a second and no images: the window cannot be seen."""
        self._images.stop()
        self._snapshots.start(10 * SNAPSHOT_INTERVAL_MS)

    def stop(self) -> None:
        """Poll nothing any more."""
        self._images.stop()
        self._snapshots.stop()

    def _on_image_due(self) -> None:
        frame = self._model.session.take_image()
        if frame is not None:
            self.image.emit(frame)

    def _on_snapshot_due(self) -> None:
        snapshot = self._model.session.poll()
        if snapshot is not None:
            self._model.apply(snapshot)
