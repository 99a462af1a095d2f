"""Session makers for engine processes that break in their first lives.

`EngineConfig.model` is a file that counts the lives; the first `EngineConfig.threads` of them break
at frame 20, once a frame has been drawn. The source "clip" has 2000 frames, "camera:7" is live.
"""

import threading
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rfviewer.config import Settings
from rfviewer.errors import DeviceLostError, EngineError
from rfviewer.frame import Frame, U8Array
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.presenter import Display
from rfviewer.result import FrameResult
from rfviewer.session.local import LocalSession
from tests.fake_engine import FakeEngine
from tests.fakes import PATIENT_WATCH, Bench, FakeRenderer, FakeSource

AT = 20


class Drawing(FakeRenderer):
    """Tells once a frame behind the first one is on display."""

    def __init__(self) -> None:
        self.shown = threading.Event()

    def render(self, frame: Frame, *arguments: Any, **options: Any) -> U8Array:
        if frame.frame_index > 0:
            self.shown.set()
        return super().render(frame, *arguments, **options)


class Faulty(FakeEngine):
    """Breaks at frame `AT`, when the window has something to remember."""

    def __init__(
        self, optimizations: Optimizations, shown: threading.Event, limits: SimpleNamespace
    ) -> None:
        self._shown, self._limits = shown, limits
        super().__init__(optimizations)

    def collect(self) -> FrameResult:
        if self._in_flight[0][0].frame_index >= AT:
            assert self._shown.wait(60)
            self.breaks()
        return super().collect()

    def breaks(self) -> None:
        raise NotImplementedError


class LosesDevice(Faulty):
    def breaks(self) -> None:
        raise DeviceLostError("The GPU reported an illegal address (error 700).")


class NeverReturns(Faulty):
    def breaks(self) -> None:
        self._limits.stuck_s = self._limits.first_s = 0.3  # till now a busy machine was excused
        threading.Event().wait()


class RunsOut(FakeEngine):
    def configure(self, optimizations: Any) -> None:
        if optimizations.depth > 2:
            raise EngineError("The GPU has no memory for 3 frames in flight; choose fewer.")
        super().configure(optimizations)


def _make(broken: type[Faulty], settings: Settings, display: Display | None) -> LocalSession:
    lives = Path(settings.engine.model)
    count = int(lives.read_text()) if lives.exists() else 0
    lives.write_text(str(count + 1))
    breaks = count < settings.engine.threads
    limits = SimpleNamespace(**asdict(PATIENT_WATCH))
    drawing = Drawing()
    if count:
        drawing.shown.set()  # where the last life ended, the first frame is the one that breaks
    bench = Bench(
        {
            "clip": lambda: FakeSource(2000),
            "camera:7": lambda: FakeSource(1_000_000, live=True),
        }
    )
    parts = replace(
        bench.parts(),
        make_engine=lambda c, o, p: broken(o, drawing.shown, limits) if breaks else FakeEngine(o),
        renderer=drawing,
        watch_limits=limits,  # type: ignore[arg-type]
    )
    return LocalSession(parts, settings, lambda p, i, m: None, display)


loses_device = partial(_make, LosesDevice)
never_returns = partial(_make, NeverReturns)
