"""The presenter thread: draws the frames that will be seen or saved, and no others."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rfviewer.channels import Closed, Feed
from rfviewer.config import View
from rfviewer.detections import Detections
from rfviewer.frame import Frame, U8Array
from rfviewer.interfaces import Renderer, SinkItem
from rfviewer.pipeline.recorder import Recorder
from rfviewer.pipeline.statistics import Statistics
from rfviewer.result import FrameResult
from rfviewer.snapshot import PresentedFrame
from rfviewer.timing import Stage

if TYPE_CHECKING:
    from rfviewer.pipeline.split_view import SplitView

RECENT_RESULTS = 8
"""Results kept for frames without their own: more than can be ahead of the drawing."""
RETRY_S = 0.01
"""How soon the newest frame is offered again to a display that was busy."""


@dataclass(frozen=True, slots=True, eq=False)
class Presentable:
    """A frame to show, with its own result (every-frame) or with the newest one (keep-pace)."""

    frame: Frame
    result: FrameResult | None


@dataclass(frozen=True, slots=True)
class Display:
    """The consumer of drawn frames; called on the presenter thread."""

    wants_image: Callable[[], bool]
    """Whether a drawn frame would be seen now."""
    show: Callable[[PresentedFrame], None]
    """Takes a drawn frame; returns at once."""


class Presenter:
    """Owns the renderer. `run` is the thread body; any thread may call the other methods."""

    def __init__(
        self,
        renderer: Renderer,
        display: Display,
        recorder: Recorder,
        statistics: Statistics,
        is_outdated: Callable[[int], bool],
    ) -> None:
        """Draw with `renderer`; `is_outdated` tells whether an epoch lies before the last jump."""
        self._renderer = renderer
        self._display = display
        self._recorder = recorder
        self._statistics = statistics
        self._is_outdated = is_outdated
        self._feed: Feed[Presentable | Callable[[], None]] = Feed(capacity=2)
        self._lock = threading.Lock()
        self._view = View()
        self._class_names: Sequence[str | None] = ()
        self._roi = True
        self._recent: deque[FrameResult] = deque(maxlen=RECENT_RESULTS)
        self._current: Presentable | None = None
        self._redraw = False
        self.split: SplitView | None = None
        """Where the other half of a split frame comes from."""

    @property
    def current(self) -> Presentable | None:
        """What is on display; read by snapshots, steps and screenshots."""
        return self._current

    @property
    def fill(self) -> tuple[int, int]:
        """Frames waiting to be drawn, and how many may wait."""
        return len(self._feed), self._feed.capacity

    def put_wait(self, item: Presentable, abandon: Callable[[], bool]) -> bool:
        """Queue `item` for drawing, waiting for room: nothing that is saved may be lost."""
        return self._feed.put_wait(item, abandon)

    def put_newest(self, item: Presentable) -> None:
        """Show `item` unless a newer one comes first."""
        self._feed.put_newest(item)

    def after_waiting(self, action: Callable[[], None]) -> None:
        """Run `action` on the presenter thread once the frames that wait now are drawn."""
        try:
            self._feed.put_over(action)
        except Closed:
            action()

    def new_result(self, result: FrameResult) -> None:
        """Use `result` for frames without their own (keep-pace), the shown one included."""
        with self._lock:
            self._recent.append(result)
            self._redraw = True
        self._feed.wake()

    def set_view(self, view: View) -> None:
        """Draw with `view` from now on, the frame on display included."""
        with self._lock:
            self._view = view
            self._redraw = True
        self._feed.wake()

    def redraw(self) -> None:
        """Draw the frame on display again, where it is drawn from more than itself."""
        with self._lock:
            if self._view.split is None:
                return
            self._redraw = True
        self._feed.wake()

    def set_engine(self, class_names: Sequence[str | None], *, roi: bool) -> None:
        """Note the class names and whether masks are blended inside their region only."""
        with self._lock:
            self._class_names = class_names
            self._roi = roi

    def wake(self) -> None:
        """Let a waiting producer look again whether its frame is stale."""
        self._feed.wake()

    def discard_outdated(self) -> None:
        """Discard waiting frames from before a jump."""
        self._feed.discard(
            lambda item: isinstance(item, Presentable) and self._is_outdated(item.frame.epoch)
        )

    def forget(self) -> None:
        """Show nothing any more: another source is being opened."""
        with self._lock:
            self._recent.clear()
            self._current = None

    def close(self) -> None:
        """End `run` once the waiting frames are drawn."""
        self._feed.close()

    def detections_for(self, item: Presentable) -> tuple[Detections, float | None]:
        """Return what is shown on `item`, all classes, and how old it is in seconds."""
        result = self._result_for(item)
        if result is None:
            return Detections.empty(), None
        return result.detections, _age_s(item.frame, result.frame)

    def _result_for(self, item: Presentable) -> FrameResult | None:
        """Return the item's own result, or else the newest that is not from a later frame.

        A fast engine may be ahead of the drawing: masks of the future would look as fresh ones.
        """
        if item.result is not None:
            return item.result
        frame = item.frame
        with self._lock:
            recent = list(self._recent)
        for result in reversed(recent):
            found_on = result.frame
            if found_on.epoch == frame.epoch and found_on.capture_time_ns <= frame.capture_time_ns:
                return result
        return None

    def run(self) -> None:
        """Draw until closed."""
        try:
            self._run()
        finally:
            self._feed.close()  # after a crash nobody may wait for this thread

    def _run(self) -> None:
        pending = False
        while True:
            try:
                item = self._feed.take(RETRY_S if pending else None)
            except Closed:
                return
            if item is not None and not isinstance(item, Presentable):
                item()
                continue
            if item is not None and self._is_outdated(item.frame.epoch):
                continue  # a jump came while it was handed over
            with self._lock:
                redraw, self._redraw = self._redraw, False
                if item is not None:
                    self._current = item
                current = self._current
            pending = current is not None and (pending or redraw or item is not None)
            if current is None or not pending:
                continue
            saved = item is not None and self._recorder.wanted
            if saved or self._display.wants_image():
                self._draw(current, saved=saved)
                pending = False

    def _draw(self, item: Presentable, *, saved: bool) -> None:
        with self._lock:
            view, names, roi = self._view, self._class_names, self._roi
        result = self._result_for(item)
        everything = Detections.empty() if result is None else result.detections
        shown = everything.visible(view.threshold, view.hidden_class_ids)
        inferred = result is not None and result.frame is item.frame
        if saved and not self._recorder.needs_images and not self._display.wants_image():
            self._recorder.write(SinkItem(item.frame, shown, None, inferred))
            return
        started_ns = time.monotonic_ns()
        split = None
        if self.split is not None and result is not None and self._display.wants_image():
            split = self.split.draw(self._renderer, result, view, names, roi=roi)
        # A recording shows its own masks, also while the display is split.
        image = split.image if split is not None and not saved else self._render(item, shown, view)
        elapsed_ms = (time.monotonic_ns() - started_ns) / 1e6
        self._statistics.measured(Stage.RENDER, elapsed_ms, item.frame.frame_index)
        self._statistics.presented()
        if saved:
            self._recorder.write(SinkItem(item.frame, shown, image, inferred))
        frame = item.frame
        age_s = None if result is None else _age_s(frame, result.frame)
        if split is not None:
            image, frame, age_s = split.image, split.frame, 0.0
        self._display.show(
            PresentedFrame(
                image, frame.frame_index, frame.pts_s, frame.epoch, frame.capture_time_ns, age_s
            )
        )

    def _render(self, item: Presentable, shown: Detections, view: View) -> U8Array:
        with self._lock:
            names, roi = self._class_names, self._roi
        own = item.result
        # What the device drew is used while it shows what is asked for; labels go onto a copy.
        composited = own.composited if own is not None and own.overlay == view else None
        if composited is not None:
            composited = composited.copy()
        return self._renderer.render(item.frame, shown, view, names, roi=roi, composited=composited)


def _age_s(frame: Frame, inferred: Frame) -> float:
    """Return the media time from the frame that the masks were found on to `frame`, at least 0."""
    age_s = frame.pts_s - inferred.pts_s
    if age_s < 0:  # the video has looped since
        age_s = (frame.capture_time_ns - inferred.capture_time_ns) / 1e9
    return max(0.0, age_s)
