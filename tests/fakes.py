"""Stand-ins for source, renderer and sink, precise enough to test the pipeline's logic.

With the engine of `fake_engine` they make the parts of a pipeline, a `Bench`.

A frame's index is written into its pixels and into its only detection's class id, so that a result
that lands on the wrong frame shows.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from rfviewer.config import EngineConfig, Settings, View
from rfviewer.detections import Detections
from rfviewer.errors import ModelError, SinkError, SourceError
from rfviewer.frame import Frame, SourceInfo, SourceKind, U8Array
from rfviewer.interfaces import RecordingRequest, Sink, SinkContext, SinkItem
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.live_times import LiveTimes, Silence
from rfviewer.pipeline.parts import Parts
from rfviewer.pipeline.presenter import Display
from rfviewer.pipeline.watch import WatchLimits
from rfviewer.session.local import LocalSession
from tests.fake_engine import FakeEngine

WIDTH, HEIGHT, FPS = 16, 8, 25.0
PATIENT_WATCH = WatchLimits(stuck_s=600.0, first_s=600.0)
PATIENT_SILENCE = Silence(stalled_s=600.0, broken_s=600.0, longest_retry_s=0.08)
PATIENT_TIMES = LiveTimes(camera=PATIENT_SILENCE, network=PATIENT_SILENCE, open_s=600.0)
"""A thread that a busy machine holds up for a while is no fault; tests of faults ask for less."""


def wait_until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Return when `condition` holds; fail the test after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"condition not met within {timeout_s} s")
        time.sleep(0.002)


def paint_index(index: int, width: int = WIDTH, height: int = HEIGHT) -> U8Array:
    """Return a BGR image that holds `index` in its first pixel."""
    image = np.zeros((height, width, 3), np.uint8)
    image[0, 0] = (index & 255, index >> 8 & 255, 7)
    return image


class FakeSource:
    """`frames` frames at 25 fps; can be live, break at a frame, or block until interrupted."""

    def __init__(
        self,
        frames: int = 20,
        *,
        live: bool = False,
        breaks_at: int | None = None,
        blocks_at: int | None = None,
        size_wh: tuple[int, int] = (WIDTH, HEIGHT),
    ) -> None:
        self._next, self._frames, self._size_wh = 0, frames, size_wh
        self._breaks_at, self._blocks_at = breaks_at, blocks_at
        self._interrupted = threading.Event()
        self.closed = False
        self.damaged = 0
        self.info = SourceInfo(
            "fake",
            "fake",
            SourceKind.CAMERA if live else SourceKind.FILE,
            *size_wh,
            FPS,
            duration_s=None if live else frames / FPS,
            frame_count=None if live else frames,
            seekable=not live,
            live=live,
        )

    def read(self) -> Frame | None:
        index = self._next
        if index == self._blocks_at:
            self._interrupted.wait()
            return None
        if index == self._breaks_at:
            raise SourceError("The fake source broke; plug it in again.")
        if index >= self._frames:
            return None
        self._next += 1
        if self.info.live:
            self._interrupted.wait(1 / FPS / 10)
        width, height = self._size_wh
        return Frame(
            paint_index(index, width, height),
            width,
            height,
            index,
            index / FPS,
            time.monotonic_ns(),
            1 / FPS,
        )

    def seek(self, pts_s: float) -> None:
        self._next = min(self._frames - 1, int(np.ceil(pts_s * FPS - 1e-6)))

    def seek_before(self, pts_s: float) -> None:
        self._next = max(0, int(np.ceil(pts_s * FPS - 1e-6)) - 1)

    def interrupt(self) -> None:
        self._interrupted.set()

    def close(self) -> None:
        self.closed = True


class FakeRenderer:
    """BGRA copy whose second pixel holds the class id of the first detection, 255 for none."""

    def render(
        self,
        frame: Frame,
        detections: Detections,
        view: View,
        class_names: Sequence[str | None],
        *,
        roi: bool = True,
        composited: U8Array | None = None,
    ) -> U8Array:
        image = np.full((frame.height, frame.width, 4), 255, np.uint8)
        image[..., :3] = frame.image
        image[0, 1, 0] = detections.class_ids[0] & 255 if len(detections) else 255
        return image


@dataclass
class FakeSink:
    """Keeps what it gets; fails at the item number `fails_at`."""

    items: list[SinkItem] = field(default_factory=list)
    fails_at: int | None = None
    closed_with: object = "open"
    needs_image: bool = True
    path: Path = Path("fake.mp4")
    notice: str = ""
    size_bytes: int = 0
    partial: Path | None = None
    until_s: float = float("inf")

    def write(self, item: SinkItem) -> None:
        if len(self.items) == self.fails_at:
            raise SinkError("The disk is full; the first frames are kept.")
        self.items.append(item)
        self.size_bytes += 10

    def hurry(self, until_s: float) -> None:
        self.until_s = until_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closed_with = kind


@dataclass
class Bench:
    """A pipeline's fake parts, with handles on each."""

    sources: dict[str, Callable[[], FakeSource]] = field(default_factory=dict)
    engine_options: dict[str, object] = field(default_factory=dict)
    sink: FakeSink = field(default_factory=FakeSink)
    engines: list[FakeEngine] = field(default_factory=list)
    opened: list[FakeSource] = field(default_factory=list)
    make_sinks_error: str = ""
    frames_may_wait: bool = False

    def parts(self) -> Parts:
        return Parts(
            self._open,
            self._engine,
            FakeRenderer(),
            self._sinks,
            lambda s, e: {},
            watch_limits=PATIENT_WATCH,
            live_times=PATIENT_TIMES,
            frames_may_wait=self.frames_may_wait,
        )

    def session(self, settings: Settings | None = None) -> LocalSession:
        return LocalSession(self.parts(), settings or Settings(), lambda p, i, m: None)

    def _open(self, uri: str) -> FakeSource:
        if uri not in self.sources:
            raise SourceError(f"There is no source {uri}; choose another.")
        source = self.sources[uri]()
        self.opened.append(source)
        return source

    def _engine(
        self, config: EngineConfig, optimizations: Optimizations, progress: object
    ) -> FakeEngine:
        if config.model == "broken":
            raise ModelError("The model broken cannot be read; choose another.")
        engine = FakeEngine(optimizations, **self.engine_options)  # type: ignore[arg-type]
        self.engines.append(engine)
        return engine

    def _sinks(self, request: RecordingRequest, context: SinkContext) -> list[Sink]:
        if self.make_sinks_error:
            raise SinkError(self.make_sinks_error)
        self.sink = replace(self.sink, items=[])
        return [self.sink]


def make_child_session(settings: Settings, display: Display | None) -> LocalSession:
    """Session maker for engine processes under test; the source "clip" has 200 frames."""
    bench = Bench(
        {"clip": lambda: FakeSource(200), "big": lambda: FakeSource(50, size_wh=(640, 480))}
    )
    return LocalSession(bench.parts(), settings, lambda p, i, m: None, display)


def shown_index(image: U8Array) -> int:
    """Return the frame index painted into a drawn image."""
    return int(image[0, 0, 0]) | int(image[0, 0, 1]) << 8
