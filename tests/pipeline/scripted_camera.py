"""Live sources whose connections are scripted, and times by which a busy machine is no fault."""

import threading
from collections.abc import Callable
from dataclasses import replace

from rfviewer.errors import SourceError
from rfviewer.frame import Frame
from rfviewer.pipeline.live_times import LiveTimes, Silence
from tests.fakes import PATIENT_SILENCE, PATIENT_TIMES, FakeSource

TIMES = replace(PATIENT_TIMES, first_retry_s=0.02, healthy_s=600.0, look_s=0.01)
"""No silence is a fault, since a busy machine makes some; see `Camera.times`."""
QUICK = Silence(stalled_s=0.05, broken_s=0.12, longest_retry_s=0.08)
ENDLESS = 1_000_000


class HangingSource(FakeSource):
    """Its driver never returns from the read of frame `hangs_at`, whatever is asked."""

    def __init__(self, hangs_at: int, gate: threading.Event) -> None:
        super().__init__(ENDLESS, live=True)
        self._hangs_at, self._gate = hangs_at, gate
        self.hangs = False

    def read(self) -> Frame | None:
        if self._next == self._hangs_at:
            self.hangs = True
            self._gate.wait()
            self.hangs = False
        return super().read()


class SilenceOfHanging:
    """As `QUICK` while the newest source of a camera hangs in its driver, else patient.

    Seen as stalled until `may_break` is set, and as broken from then on.
    """

    def __init__(self, camera: "Camera") -> None:
        self._camera = camera
        self.may_break = threading.Event()
        self.longest_retry_s = QUICK.longest_retry_s

    @property
    def stalled_s(self) -> float:
        return QUICK.stalled_s if self._hangs else PATIENT_SILENCE.stalled_s

    @property
    def broken_s(self) -> float:
        breaks = self._hangs and self.may_break.is_set()
        return QUICK.broken_s if breaks else PATIENT_SILENCE.broken_s

    @property
    def _hangs(self) -> bool:
        return bool(self._camera.opened) and getattr(self._camera.opened[-1], "hangs", False)


class Camera:
    """Opens one scripted connection after the other; the last one for ever."""

    def __init__(self, *makers: Callable[[], FakeSource]) -> None:
        self.makers = list(makers)
        self.opened: list[FakeSource] = []
        self.calls = 0
        self.silence = SilenceOfHanging(self)

    @property
    def times(self) -> LiveTimes:
        """Times by which only a driver that hangs is silent for too long."""
        return replace(TIMES, camera=self.silence)  # type: ignore[arg-type]

    def __call__(self) -> FakeSource:
        maker = self.makers[min(self.calls, len(self.makers) - 1)]
        self.calls += 1
        source = maker()
        self.opened.append(source)
        return source


def live(frames: int = ENDLESS, **options: object) -> Callable[[], FakeSource]:
    return lambda: FakeSource(frames, live=True, **options)  # type: ignore[arg-type]


def absent(sentence: str = "There is no camera 7; connect it.") -> Callable[[], FakeSource]:
    def refuse() -> FakeSource:
        raise SourceError(sentence)

    return refuse
