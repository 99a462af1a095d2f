"""The three rates that the window shows, and when there are none. Knows no Qt."""

from dataclasses import dataclass

from rfviewer.snapshot import LivePhase, PlayState, Snapshot


@dataclass(frozen=True, slots=True)
class Rates:
    """Throughput of playback in frames a second; None, shown as a dash, while nothing plays.

    Each is (stamps - 1) / elapsed over the last two seconds of playback: frames that the source
    delivered, results, and new images that reached the screen. The frame of a pause that is
    inferred anew because a switch was flipped, steps, and what an experiment infers are work but
    no throughput: counted as such, two flips in a second would read as a frame rate.
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
    """Return the rates to show; `displayed_fps` is what the video view counted."""
    if not is_playing(snapshot):
        return Rates(None, None, None)
    return Rates(snapshot.source_fps, snapshot.inferred_fps, displayed_fps)
