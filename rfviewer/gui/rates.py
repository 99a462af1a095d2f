"""The three rates that the window shows, and when there are none. Knows no Qt.

`LiveView` reads them once for each snapshot; status bar, plots, latency page and statistics show
that one reading, so that no two places tell different figures.
"""

from dataclasses import dataclass, replace

from rfviewer.snapshot import EnginePhase, LivePhase, PlayState, Snapshot

SETTLE_S = 2.0
"""How long rates are left out after a start, a pause or another engine: what the meters look at."""
_SETTLE_RESULTS = 2
"""Results that must follow, beside those that were under way at the start and come at once."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Throughput of playback in frames a second; None, shown as a dash, while nothing plays.

    Each is (stamps - 1) / elapsed over the last two seconds of playback: frames that the source
    delivered, results, and new frames that reached the screen. The frame of a pause that is
    inferred anew because a switch was flipped, steps, and what an experiment infers are work but
    no throughput: counted as such, two flips in a second would read as a frame rate. `inferred` is
    None, too, while there is no engine; the video plays on without.
    """

    source: float | None
    inferred: float | None
    shown: float | None


def is_playing(snapshot: Snapshot) -> bool:
    """Whether frames flow by themselves: not paused, ended, measuring, or without a connection."""
    measuring = snapshot.lab is not None and snapshot.lab.active
    connected = snapshot.live is None or snapshot.live.phase is LivePhase.PLAYING
    return snapshot.state is PlayState.PLAYING and connected and not measuring


def playing_rates(snapshot: Snapshot, displayed_fps: float | None) -> Rates:
    """Return the rates of a moment; `displayed_fps` is what the video view counted."""
    if not is_playing(snapshot):
        return Rates(None, None, None)
    return Rates(snapshot.source_fps, snapshot.inferred_fps, displayed_fps)


class SteadyRates:
    """The rates to show: none while something settles. Fed with every snapshot, by one thread.

    After a start, a pause or another engine, frames that had piled up come all at once. All rates
    wait until the meters have passed that; `inferred` waits for results as well, since an engine
    that takes seconds a frame would show many frames a second then.
    """

    def __init__(self) -> None:
        self._engine: tuple[object, object] | None = None
        self._base = 0
        self._from_s, self._from_count = 0.0, 0

    def read(self, snapshot: Snapshot, displayed_fps: float | None) -> Rates:
        """Return the rates to show now."""
        time_s, done = snapshot.time_ns / 1e9, snapshot.counters.inferred
        info, phase = snapshot.engine.info, snapshot.engine.phase
        playing = is_playing(snapshot) and phase is not EnginePhase.LOADING
        engine = (phase, info and (info.model, info.backend, info.precision))
        if not playing or engine != self._engine or done < self._base:
            begins = self._engine is None
            under_way = 0 if info is None else info.frames_in_flight
            self._base = done
            self._from_s = time_s if begins else time_s + SETTLE_S
            self._from_count = done if begins else done + under_way + _SETTLE_RESULTS
            self._engine = engine
        if not playing or time_s < self._from_s:
            return Rates(None, None, None)
        rates = playing_rates(snapshot, displayed_fps)
        infers = phase is EnginePhase.READY and done >= self._from_count
        return rates if infers else replace(rates, inferred=None)
