"""The protocols between rooms. Each has at least two implementations, a test fake included."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self, runtime_checkable

from rfviewer.config import EngineConfig, View
from rfviewer.detections import Detections
from rfviewer.experiment import ReplayPart
from rfviewer.frame import Frame, SourceInfo, U8Array
from rfviewer.optimizations import Optimizations
from rfviewer.result import DeviceUsage, EngineInfo, FrameResult

type Progress = Callable[[str, int, int], None]
"""Called as progress(step, index, count) while something long runs, which is at `index` of `count`
steps, frames or seconds, 0 where not known; maybe on the worker's thread. Must return at once."""


class FrameSource(Protocol):
    """Delivers frames.

    One thread at a time uses it, a live one stays on the thread that opened it; any thread may call
    `interrupt`.
    """

    @property
    def info(self) -> SourceInfo:
        """What is known about the source; complete after construction.

        Its `decode` changes when a decoder gives up, or when another one is chosen.
        """

    @property
    def damaged(self) -> int:
        """Frames so far that the decoder reported as damaged or could not decode."""

    def read(self) -> Frame | None:
        """Return the next frame, waiting for it; None at the end.

        Raises:
            SourceError: when the source breaks; reading on is not possible.
        """

    def seek(self, pts_s: float) -> None:
        """Let the next `read` return the first frame with pts >= `pts_s` (the last if none)."""

    def seek_before(self, pts_s: float) -> None:
        """Let the next `read` return the last frame with pts < `pts_s` (the first if none)."""

    def interrupt(self) -> None:
        """Make a blocked `read` return soon: with a frame, None or SourceError."""

    def close(self) -> None:
        """Free the source. Idempotent."""


class Engine(Protocol):
    """Turns frames into results, several at a time. All calls on the engine thread.

    The host waits in `collect` only. Results come in the order of submission.
    """

    @property
    def info(self) -> EngineInfo:
        """What the engine is, with the state of every toggle."""

    @property
    def depth(self) -> int:
        """How many frames may be in flight: `Optimizations.depth` passes of `micro_batch` each."""

    @property
    def in_flight(self) -> int:
        """How many frames are in flight."""

    def submit(self, frame: Frame, threshold: float, overlay: View | None = None) -> None:
        """Start work on `frame`; `in_flight` must be below `depth`. Does not wait for the result.

        A `RelaunchingEngine` takes a pass more than that where `make_room` says so.

        `threshold` keeps detections with score > threshold. `overlay` is set when the frame will be
        seen or saved: an engine with the device overlay then delivers `FrameResult.composited`.
        """

    def collect(self) -> FrameResult:
        """Wait for the oldest frame in flight and return its result.

        Raises:
            EngineError: when the work failed; that frame is gone, the engine can go on.
        """

    def configure(self, optimizations: Optimizations) -> None:
        """Apply `optimizations`; nothing may be in flight. `info.toggles` tells what cannot run.

        Raises:
            EngineError: e.g. out of memory; what was in effect before stays in effect.
        """

    def device_usage(self) -> DeviceUsage:
        """Return GPU idle share and memory since the last call."""

    def replay_backend(self, count: int) -> Sequence[float]:
        """Run the bare network `count` times on the last prepared input; return durations in ms.

        Nothing may be in flight. This is the ceiling that the pipeline is measured against.
        """

    def replay_part(self, part: ReplayPart, frame: Frame, count: int) -> Sequence[float]:
        """Run that part of the way of `frame` `count` times, back to back; return times in ms.

        Nothing may be in flight. No slots, no results: what lies between the ceiling and a slot.

        Raises:
            EngineError: it failed.
        """

    def close(self) -> None:
        """Free everything. Idempotent."""


@runtime_checkable
class FrameHome(Protocol):
    """What an engine may offer besides: memory that it reads without a copy of its own."""

    def home(self, frame: Frame) -> Frame:
        """Return `frame` with a copy of its image in that memory, or as it is; from any thread.

        The memory stays the frame's as long as anybody holds its image.
        """


@runtime_checkable
class BatchingEngine(Protocol):
    """What an engine may offer besides: frames that share a pass of the network (`micro_batch`)."""

    @property
    def waits_for_frames(self) -> bool:
        """Whether the oldest frame in flight waits for others; `collect` runs it without them."""


@runtime_checkable
class PreparingEngine(Protocol):
    """What an engine may offer besides: other optimizations made ready while it works."""

    def prepare(self, optimizations: Optimizations) -> bool:
        """Do one step towards `optimizations`; return whether `configure` would find all there.

        With frames in flight or without; what is in effect stays so until `configure`. A step takes
        longer than a frame at most by a little.

        Raises:
            EngineError: they cannot be had.
        """


@runtime_checkable
class RelaunchingEngine(Protocol):
    """What an engine may offer besides: a next frame before the oldest result is read."""

    def make_room(self) -> bool:
        """Return whether one more frame may be submitted now.

        With `depth` frames in flight it waits until the network of the oldest one is done, or
        nearly: a spare slot is then free for one pass more (`early_relaunch`), without a wait
        while that has seats left. The oldest stays in flight until `collect`, which waits for the
        rest of its pass. False when `collect` has to come first: the spare slot runs already, or
        the oldest frame failed.
        """


type EngineFactory = Callable[[EngineConfig, Optimizations, Progress], Engine]
"""Builds an engine ON the engine thread; raises ModelError or EngineError with one sentence."""

type SourceFactory = Callable[[str], FrameSource]
"""Opens a source from what the user typed; may block; raises SourceError with one sentence."""


class Renderer(Protocol):
    """Draws detections onto a frame. Not shared between threads."""

    def render(
        self,
        frame: Frame,
        detections: Detections,
        view: View,
        class_names: Sequence[str | None],
        *,
        roi: bool = True,
        composited: U8Array | None = None,
    ) -> U8Array:
        """Return BGRA (H, W, 4), a new array. Hidden classes and scores are already filtered.

        `roi` False blends every mask over the whole frame (the reference of `roi_render`).
        `composited` has masks and boxes drawn already: only labels are added, in place.
        """


@dataclass(frozen=True, slots=True, eq=False)
class SinkItem:
    """One frame on its way into files."""

    frame: Frame
    detections: Detections
    """After threshold and class filter."""
    image: U8Array | None
    """BGRA (H, W, 4); None when no sink needs it."""
    inferred: bool
    """Whether the detections were found on this very frame (always so except in keep-pace)."""
    recorded_pts_s: float = 0.0
    """Time in the recording: from 0, strictly increasing, also across jumps and loops. Video sinks
    use this one; labels keep `frame.pts_s`."""


class Sink(Protocol):
    """Writes results to a file. Used by one thread, as a context manager.

    Leaving the context normally finalises the file; leaving it with an exception keeps what is
    written, playable or readable, under its final name.
    """

    path: Path
    """Where the file goes; once the context is left, where it is: another program may have taken
    the name meanwhile."""
    partial: Path | None
    """The temporary file that holds what is written while the sink is open; None when there is none
    or `path` itself is written."""
    notice: str
    """What the user should know, in one sentence: while open that the disk runs full, afterwards
    e.g. that the sound could not be copied; or empty."""

    @property
    def needs_image(self) -> bool:
        """Whether `write` needs `SinkItem.image`."""

    @property
    def size_bytes(self) -> int:
        """Bytes written so far."""

    def write(self, item: SinkItem) -> None:
        """Append one frame.

        Raises:
            SinkError: one sentence; the file keeps what was written before.
        """

    def hurry(self, until_s: float) -> None:
        """Have the context left by then, on the clock of `time.monotonic`. Any thread.

        A signal ends the program, say: what only makes a file handier may be left out.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRequest:
    """Which files a recording writes. Existing files are never overwritten unless asked for."""

    video: Path | None = None
    """Annotated H.264 MP4."""
    labels: Path | None = None
    """JSONL, one object per inferred frame."""
    coco: Path | None = None
    """COCO JSON, assembled from the labels at the end."""
    overwrite: bool = False
    """Replace existing files."""
    audio: bool = True
    """Copy the audio of a file source."""
    command: str = ""
    """Command line that reproduces it, embedded in the files."""


@dataclass(frozen=True, slots=True, eq=False)
class SinkContext:
    """What sinks need to know about the run."""

    source: SourceInfo
    class_names: Sequence[str | None]
    settings: dict[str, str] = field(default_factory=dict)
    """Versions and settings, embedded in the files as metadata."""


type SinkFactory = Callable[[RecordingRequest, SinkContext], list[Sink]]
"""Makes the sinks of a recording; checks every path first; raises SinkError with one sentence."""

type ScreenshotKind = Literal["annotated", "raw"]

type ScreenshotWriter = Callable[[Path, U8Array, dict[str, str]], None]
"""Writes (path, BGR or BGRA image, metadata) as PNG; raises SinkError with one sentence."""
