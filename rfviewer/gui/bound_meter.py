"""What binds the live video, from the spans and rates of the last seconds. Knows no Qt."""

from rfviewer.config import Policy
from rfviewer.gui.timeline_data import SpanStore
from rfviewer.lab.bound import Bound, Found, Load, Pace, bound_of_load, contradicts
from rfviewer.snapshot import EnginePhase, PlayState, Snapshot
from rfviewer.timing import Stage

MIN_NS = 1_500_000_000
"""Shorter than that says little: the first moments count frames that had piled up."""
READ_NS = 4_000_000_000
"""How far back a reading looks: what binds is told of now, however far the timeline reaches."""
FIRST_AGREE_NS = 1_000_000_000
"""How long the readings must agree before anything is named."""
AGREE_NS = 2_500_000_000
"""The same before another name takes the place of one: longer than the rates look back, so that one
stutter in them changes nothing."""


class BoundMeter:
    """Fed with every snapshot; settles anew after every change. GUI thread only.

    A name stays until others have agreed for a while, and is taken back at once where what is
    measured contradicts it.
    """

    def __init__(self, spans: SpanStore) -> None:
        self._spans = spans
        self._settings: object = None
        self._since_ns = 0
        self._named: Found | None = None
        self._read: Bound | None = None
        """What the newest readings agree in."""
        self._agreed_since_ns = 0

    def read(
        self, snapshot: Snapshot, shown_fps: float | None, screen_hz: float | None
    ) -> Found | None:
        """Return what binds now; None while nothing plays or the settings are too fresh.

        Args:
            snapshot: the newest one; its spans are in the store already.
            shown_fps: new frames a second that reached the screen.
            screen_hz: refresh rate of the screen; None where that is not known.
        """
        recording = snapshot.recording is not None and snapshot.recording.active
        settings = (
            snapshot.state,
            snapshot.engine.phase,
            snapshot.engine_config,
            snapshot.optimizations,
            snapshot.playback,
            snapshot.policy,
            None if snapshot.source is None else snapshot.source.uri,
            recording,
            snapshot.lab is not None and snapshot.lab.active,
        )
        if settings != self._settings:
            self._settings, self._since_ns = settings, snapshot.time_ns
            self._named = self._read = None
        playing = (PlayState.PLAYING, EnginePhase.READY)
        if settings[:2] != playing or settings[-1] or snapshot.inferred_fps is None:
            return None
        end_ns = self._spans.newest_ns
        start_ns = max(end_ns - READ_NS, self._since_ns)
        if end_ns - start_ns < MIN_NS:
            return None
        share = self._spans.busy_share
        load = Load(
            pace=_pace(snapshot),
            inferred_fps=snapshot.inferred_fps,
            shown_fps=shown_fps,
            screen_hz=screen_hz,
            every_frame=snapshot.policy is Policy.EVERY_FRAME,
            recording=recording,
            network=self._spans.stage_shares(start_ns, end_ns).get(Stage.INFER),
            decode=share("decode", start_ns, end_ns),
            draw=share("draw", start_ns, end_ns),
            encode=share("write", start_ns, end_ns),
        )
        return self._steadied(load, snapshot.time_ns)

    def _steadied(self, load: Load, time_ns: int) -> Found | None:
        """Return what to name, given the newest reading."""
        found = bound_of_load(load)
        if found.bound is not self._read:
            self._read, self._agreed_since_ns = found.bound, time_ns
        named = self._named
        if named is not None and found.bound is named.bound:
            self._named = found  # with its newest figures
        elif named is not None and contradicts(load, named.bound):
            self._named = named = None
        agree_ns = FIRST_AGREE_NS if named is None else AGREE_NS
        if time_ns - self._agreed_since_ns >= agree_ns:
            self._named = found
        return self._named


def _pace(snapshot: Snapshot) -> Pace | None:
    """Return the pace of the source: measured if it is live, else as it is played."""
    source, rate = snapshot.source, snapshot.playback.rate
    if source is None:
        return None
    if source.live:
        fps = snapshot.source_fps or source.fps
        return None if fps is None else Pace(fps=fps, live=True)
    if rate is None or source.fps is None:
        return None
    return Pace(fps=rate * source.fps, live=False)
