"""Session makers for engine processes that break in their first lives.

`EngineConfig.model` is a file that counts the lives; the first `EngineConfig.threads` of them break
at frame 20. The source "clip" has 2000 frames, "camera:7" is live.
"""

import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rfviewer.config import Settings
from rfviewer.errors import DeviceLostError, EngineError
from rfviewer.pipeline.presenter import Display
from rfviewer.pipeline.watch import WatchLimits
from rfviewer.result import FrameResult
from rfviewer.session.local import LocalSession
from tests.fakes import Bench, FakeEngine, FakeSource

AT = 20


class LosesDevice(FakeEngine):
    def collect(self) -> FrameResult:
        if self._in_flight[0][0].frame_index >= AT:
            raise DeviceLostError("The GPU reported an illegal address (error 700).")
        return super().collect()


class NeverReturns(FakeEngine):
    def collect(self) -> FrameResult:
        if self._in_flight[0][0].frame_index >= AT:
            threading.Event().wait()
        return super().collect()


class RunsOut(FakeEngine):
    def configure(self, optimizations: Any) -> None:
        if optimizations.depth > 2:
            raise EngineError("The GPU has no memory for 3 frames in flight; choose fewer.")
        super().configure(optimizations)


def _make(broken: type[FakeEngine], settings: Settings, display: Display | None) -> LocalSession:
    lives = Path(settings.engine.model)
    count = int(lives.read_text()) if lives.exists() else 0
    lives.write_text(str(count + 1))
    engine = broken if count < settings.engine.threads else FakeEngine
    bench = Bench(
        {
            "clip": lambda: FakeSource(2000),
            "camera:7": lambda: FakeSource(1_000_000, live=True),
        }
    )
    parts = replace(
        bench.parts(),
        make_engine=lambda c, o, p: engine(o),
        watch_limits=WatchLimits(stuck_s=0.3, first_s=0.3),
    )
    return LocalSession(parts, settings, lambda p, i, m: None, display)


loses_device = partial(_make, LosesDevice)
never_returns = partial(_make, NeverReturns)
