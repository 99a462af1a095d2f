"""Only frames that are seen or saved are drawn, by the device where it can."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from rfviewer.config import Playback, Policy, Settings, View
from rfviewer.frame import Frame
from rfviewer.interfaces import RecordingRequest
from rfviewer.optimizations import Optimizations
from rfviewer.result import FrameResult
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import PlayState
from tests.fake_engine import FakeEngine
from tests.fakes import Bench, FakeSource

FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)
MARK = 77


class DrawingEngine(FakeEngine):
    """Draws what it is asked to: an image full of `MARK`."""

    def __init__(self, optimizations: Optimizations) -> None:
        super().__init__(optimizations)
        self.asked: list[View | None] = []
        self._views: list[View | None] = []

    def submit(self, frame: Frame, threshold: float, overlay: View | None = None) -> None:
        super().submit(frame, threshold, overlay)
        self.asked.append(overlay)
        self._views.append(overlay)

    def collect(self) -> FrameResult:
        result = super().collect()
        view = self._views.pop(0)
        if view is None:
            return result
        image = np.full((result.frame.height, result.frame.width, 4), MARK, np.uint8)
        return replace(result, composited=image, overlay=view)


@dataclass
class DrawingBench(Bench):
    """Its engine draws."""

    drawing: list[DrawingEngine] = field(default_factory=list)

    def _engine(self, config: object, optimizations: Optimizations, progress: object) -> FakeEngine:
        self.drawing.append(DrawingEngine(optimizations))
        return self.drawing[-1]

    def run(self, request: RecordingRequest | None, playback: Playback = FAST) -> LocalSession:
        session = self.session(Settings(view=View(threshold=0.5)))
        if request is not None:
            session.start_recording(request)
        session.open("clip", playback)
        session.wait(lambda s: s.state is PlayState.ENDED, 60)
        return session


def bench() -> DrawingBench:
    return DrawingBench({"clip": lambda: FakeSource(12)})


def test_a_video_asks_for_every_frame_drawn() -> None:
    made = bench()
    made.run(RecordingRequest(video=Path("never-written.mp4"))).close()
    assert made.drawing[0].asked == [View(threshold=0.5)] * 12
    assert len(made.sink.items) == 12
    assert all(item.image is not None for item in made.sink.items)


def test_labels_alone_draw_nothing_that_nobody_sees() -> None:
    made = bench()
    made.run(RecordingRequest(labels=Path("never-written.jsonl"))).close()
    assert len(made.sink.items) == 12
    images = [item.image for item in made.sink.items]
    # The image on display is the first one, and nobody takes it.
    assert sum(image is not None for image in images) <= 1
    assert sum(view is not None for view in made.drawing[0].asked) <= 6


@pytest.mark.parametrize("policy", list(Policy))
def test_keep_pace_draws_other_frames_than_the_engine_sees(policy: Policy) -> None:
    made = bench()
    made.run(None, replace(FAST, policy=policy)).close()
    asked = made.drawing[0].asked
    assert any(asked) == (policy is Policy.EVERY_FRAME)
