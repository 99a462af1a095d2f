"""Messages between the window's process and the engine's process. Both ends are this program.

Commands are few and small; snapshots come 10 to 20 times a second; images never cross here.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from rfviewer.snapshot import RecordingStatus, Snapshot

type Method = Literal[
    "open",
    "set_engine",
    "set_optimizations",
    "set_view",
    "set_playback",
    "play",
    "pause",
    "seek",
    "step",
    "retry_now",
    "give_up",
    "start_recording",
    "stop_recording",
    "screenshot",
    "start_lab",
    "stop_lab",
    "watch_parity",
    "save_replay",
    "restart",
]
METHODS: frozenset[str] = frozenset(get_args(Method.__value__))
"""Methods of `Session` that a command may name."""


@dataclass(frozen=True, slots=True)
class Command:
    """To the engine process: call that method of the session."""

    method: Method
    arguments: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments."""


@dataclass(frozen=True, slots=True)
class UseRing:
    """To the engine process: write images into this shared segment from now on."""

    name: str
    image_bytes: int


@dataclass(frozen=True, slots=True)
class CloseSession:
    """To the engine process: finalise files and end."""

    timeout_s: float


@dataclass(frozen=True, slots=True)
class NeedRing:
    """From the engine process: images have this many bytes; make a ring that holds them."""

    image_bytes: int


@dataclass(frozen=True, slots=True)
class Closed:
    """From the engine process, as its last message."""

    recording: RecordingStatus | None


type ToEngine = Command | UseRing | CloseSession
type FromEngine = Snapshot | NeedRing | Closed
