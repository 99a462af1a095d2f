"""What binds a configuration: named from measured ceilings, or live from how busy each part is.

Both speak of the same seven causes. `ceilings.py` measures each part alone; beside a live video
nothing is measured alone, so there the part that works all the time is the one that binds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rfviewer.experiment import Ceiling

CLOSE = 0.85
"""A rate of at least this share of a limit is bound by it, and so is a part that busy."""
LOOSE = 0.6
"""A part that is busy for less than this share cannot be what binds, whatever was named before."""
SURELY = 0.95
"""A part that is busy for at least this share binds, whatever was named before."""
_ONE_IMAGE_FPS = 0.5
"""What one image more or less makes of a rate over two seconds, as long as the meters look back."""
TOO_FAST = 1.1
"""A whole that reaches this many times its own ceiling was not measured in peace."""


class Bound(StrEnum):
    """What binds."""

    NETWORK = "network-bound"
    DECODE = "decode-bound"
    DISPLAY = "display-bound"
    """Drawing, or painting in the window."""
    ENCODE = "encode-bound"
    CAMERA = "camera-limited"
    """A live source hands out no more."""
    PLAYBACK = "playback-limited"
    """A file is played at its own pace."""
    HOST = "host-bound"
    """What lies around the network: copies, preprocess, postprocess, handing over."""


@dataclass(frozen=True, slots=True)
class Found:
    """What binds, and why."""

    bound: Bound
    why: str
    """A few words with figures, without the name of the bound."""

    @property
    def sentence(self) -> str:
        """Name and reason."""
        return f"{self.bound}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Rate at which the source hands out frames, where it does not run freely."""

    fps: float
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """Names of the ceilings that `bound_of_ceilings` compares."""

    network: str
    slots: str
    """The whole engine with as many slots as are in use."""
    others: Mapping[str, Bound]
    """Every other part that a frame passes, and what it is called when it binds."""


def bound_of_ceilings(
    ceilings: Sequence[Ceiling], names: Alone, pace: Pace | None, running_fps: float
) -> Found:
    """Name what binds by rates that were measured alone."""
    known = {one.name: one.fps for one in ceilings if one.fps is not None}
    slots = known.get(names.slots, 0.0)
    if pace is not None and running_fps >= CLOSE * pace.fps and pace.fps < slots:
        return _paced(pace, f"the engine could do {slots:.1f}")
    rivals = {name: known[name] for name in names.others if name in known}
    lowest = min(rivals, key=lambda name: rivals[name], default=None)
    if lowest is not None and rivals[lowest] < slots:
        found = names.others[lowest]
        return Found(found, f"{lowest} does {rivals[lowest]:.1f} frames/s, all else is faster")
    network = known.get(names.network)
    if network is None:
        return Found(Bound.HOST, f"{names.slots} do {slots:.1f} frames/s, all else is faster")
    if slots >= CLOSE * network:
        text = f"{names.slots} reach {slots / network:.0%} of the bare network's {network:.1f}"
        odd = "; more than all of it means that the machine was disturbed: measure again"
        return Found(Bound.NETWORK, f"{text} frames/s{odd if slots > TOO_FAST * network else ''}")
    text = f"the bare network could do {network:.1f} frames/s, {names.slots} do {slots:.1f}"
    return Found(Bound.HOST, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A live configuration over the last seconds. Shares are of that time, 0..1."""

    pace: Pace | None
    """None while the source runs freely."""
    inferred_fps: float
    shown_fps: float | None
    """New images a second that reached the screen; None where nothing is shown."""
    screen_hz: float | None = None
    """How often the screen shows anything new; None where that is not known."""
    every_frame: bool = True
    """Whether each result is meant to be seen on its own frame."""
    recording: bool = False
    """Whether files are written, so that drawing and encoding hold the engine back."""
    network: float | None = None
    """Share in which the network ran; None without one."""
    decode: float = 0.0
    draw: float = 0.0
    encode: float = 0.0


def bound_of_load(load: Load) -> Found:
    """Name what binds by what was busy."""
    wanted = load.inferred_fps
    if load.pace is not None and load.inferred_fps >= CLOSE * load.pace.fps:
        wanted = load.pace.fps
    shares = _shares(load)
    busiest = max(shares, key=lambda bound: shares[bound])
    lost = _lost(load, wanted)
    # A part that works all the time binds, whether or not all that it makes reaches the screen.
    if lost and shares[busiest] < CLOSE:
        return Found(Bound.DISPLAY, f"{lost}, drawing is at work {load.draw:.0%} of the time")
    if not lost and load.pace is not None and wanted == load.pace.fps:
        busy = "" if load.network is None else f"the network runs {load.network:.0%} of the time"
        return _paced(load.pace, busy or "nothing else is busy")
    if shares[busiest] >= CLOSE:
        why = f"{_PARTS[busiest]} is at work {shares[busiest]:.0%} of the time"
        return Found(busiest, f"{why}; {lost}" if lost else why)
    rest = f"the busiest other part, {_PARTS[busiest]}, works {shares[busiest]:.0%} of the time"
    return Found(Bound.HOST, f"the time goes to the work around the network; {rest}")


def contradicts(load: Load, bound: Bound) -> bool:
    """Whether what was measured since speaks against a name that was right before.

    Between this and the name that `bound_of_load` would give lies a range in which either may do.
    """
    shares = _shares(load)
    match bound:
        case Bound.CAMERA | Bound.PLAYBACK:
            return load.pace is None or load.inferred_fps < LOOSE * load.pace.fps
        case Bound.DISPLAY if not load.recording:
            return max(shares.values()) >= CLOSE
        case Bound.HOST:
            return max(shares.values()) >= SURELY
        case _:
            return shares.get(bound, 0.0) < LOOSE


_PARTS = {
    Bound.NETWORK: "the network",
    Bound.DECODE: "decoding",
    Bound.DISPLAY: "drawing",
    Bound.ENCODE: "encoding",
}


def _shares(load: Load) -> dict[Bound, float]:
    """Return how busy each part is that can hold the engine back."""
    shares = {Bound.NETWORK: load.network or 0.0, Bound.DECODE: load.decode}
    if load.recording:
        shares |= {Bound.DISPLAY: load.draw, Bound.ENCODE: load.encode}
    return shares


def _lost(load: Load, wanted_fps: float) -> str:
    """Return how many results get lost on their way to the screen; empty where none do.

    A screen at its own refresh rate shows all that it can: that is no fault of drawing.
    """
    if load.shown_fps is None or not load.every_frame:
        return ""
    possible = wanted_fps if load.screen_hz is None else min(wanted_fps, load.screen_hz)
    if load.shown_fps >= CLOSE * possible - _ONE_IMAGE_FPS:
        return ""
    return f"{load.shown_fps:.1f} of {wanted_fps:.1f} results a second reach the screen"


def _paced(pace: Pace, rest: str) -> Found:
    bound = Bound.CAMERA if pace.live else Bound.PLAYBACK
    return Found(bound, f"the source hands out {pace.fps:.1f} frames/s, and {rest}")
