"""A session that is compared with a reference, for the tests of the live comparison."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from rfviewer.config import EngineConfig, Playback, Policy, Settings, View
from rfviewer.detections import Detections
from rfviewer.experiment import Badge, ParityReading, ParityWatch
from rfviewer.frame import Frame
from rfviewer.interfaces import Engine, Progress
from rfviewer.optimizations import Optimizations
from rfviewer.result import FrameResult
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import Snapshot
from tests.fake_engine import FakeEngine
from tests.fakes import Bench, FakeSource

FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)
LOOP = replace(FAST, loop=True)
PAUSED = replace(FAST, paused=True)
EVERY = ParityWatch(every=1)

type Change = Callable[[FrameResult], Detections]


class ReferenceEngine(FakeEngine):
    """Finds what the main engine does unless `change` says otherwise."""

    change: Change = staticmethod(lambda result: result.detections)
    thresholds: list[float]
    frames: list[int]

    def submit(self, frame: Frame, threshold: float, overlay: View | None = None) -> None:
        self.__dict__.setdefault("thresholds", []).append(threshold)
        self.__dict__.setdefault("frames", []).append(frame.frame_index)
        super().submit(frame, threshold, overlay)

    def collect(self) -> FrameResult:
        result = super().collect()
        return replace(result, detections=self.change(result))


class Live:
    """A session whose second and later engines are references."""

    def __init__(self, source: Callable[[], FakeSource], view: View | None = None) -> None:
        self.bench = Bench({"clip": source})
        self.references: list[ReferenceEngine] = []
        self.reference_options: dict[str, object] = {}
        self.change: Change = lambda result: result.detections
        self.error: Exception | None = None
        self.loading: threading.Event | None = None
        self.main = threading.Event()
        self.saved: list[Path] = []
        parts = replace(
            self.bench.parts(), make_engine=self._make, save_comparison=self._save_picture
        )
        # Against the baseline the fused network would allow the wide tolerance of E3.
        settings = Settings(view=view or View(), optimizations=Optimizations(fused_network=False))
        self.session = LocalSession(parts, settings, lambda p, i, m: None)

    def _make(self, config: EngineConfig, wanted: Optimizations, progress: Progress) -> Engine:
        if threading.current_thread().name != "rfviewer-parity":
            return self.bench._engine(config, wanted, progress)
        if self.loading is not None:
            while not self.loading.wait(0.005):
                progress("Loading the network", 1, 2)
        if self.error is not None:
            raise self.error
        engine = ReferenceEngine(wanted, **self.reference_options)  # type: ignore[arg-type]
        engine.config = config  # type: ignore[attr-defined]
        engine.change = self.change  # type: ignore[method-assign]
        self.references.append(engine)
        return engine

    def _save_picture(self, path: Path, *_: object) -> None:
        path.write_bytes(b"png")
        self.saved.append(path)

    def reading(self, *badges: Badge, compared: int = 0) -> ParityReading:
        def done(snapshot: Snapshot) -> bool:
            reading = snapshot.parity
            return reading.badge in badges and reading.compared >= compared

        return self.session.wait(done, 60).parity


def shifted(result: FrameResult) -> Detections:
    found = result.detections
    return replace(found, boxes_xyxy=found.boxes_xyxy + np.float32(1))


def scored(score: float) -> Change:
    return lambda result: replace(result.detections, scores=np.array([score], np.float32))
