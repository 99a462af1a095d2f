"""What a run has shown lately: results and where their frames can be found again."""

import threading
import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rfviewer.detections import Detections
from rfviewer.frame import Frame, SourceInfo, U8Array
from rfviewer.interfaces import FrameSource, SourceFactory
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.mapped_source import MappedSource
from rfviewer.result import FrameResult
from rfviewer.sources.packet_history import HISTORY_S, KeepsPackets, PacketHistory

MAX_RESULT_BYTES = 64 << 20
"""Masks kept: their regions only, so hundreds of busy frames."""
MAX_RESULTS = 20_000
MAX_FRAME_BYTES = 192 << 20
"""Frames of a camera, which come decoded: two seconds of 720p at 30 frames a second."""
_SAME_S = 1e-6
_LARGEST_GAP_S = 2.0
"""A larger step between two results is a jump and no slow engine."""
NEARLY = 0.95
"""A run of so much of what was asked for is not called shorter."""
_CHECKED_ROWS = 4


class KeptResult(NamedTuple):
    """A result without the pixels of its frame."""

    frame_index: int
    pts_s: float
    capture_time_ns: int
    size_wh: tuple[int, int]
    check: int | None
    """`frame_check` of the frame; None for one that lay on the GPU, which nobody looked at."""
    detections: Detections
    threshold: float
    optimizations: Optimizations


@dataclass(frozen=True, slots=True, eq=False)
class Recent:
    """The end of a run, in presentation order."""

    uri: str
    """What was opened."""
    source: SourceInfo
    results: Sequence[KeptResult]
    packets: PacketHistory | None
    """The packets of a stream."""
    frames: Sequence[Frame]
    """The frames of a camera."""
    shorter: str = ""
    """Why the run does not reach as far back as was asked for; empty when it does."""


class RunHistory:
    """Keeps results and watches sources. Each method may be called by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: deque[KeptResult] = deque(maxlen=MAX_RESULTS)
        self._bytes = 0
        self._forgot = False
        """Whether older results of this source were dropped to keep within the limits."""
        self._uri = ""
        self._source: SourceInfo | None = None
        self._packets: PacketHistory | None = None
        self._frames = _FrameRing()

    def watched(self, open_source: SourceFactory) -> SourceFactory:
        """Return a factory like `open_source` whose sources are remembered."""

        def open_watched(uri: str) -> FrameSource:
            source = open_source(uri)
            packets = source.packets if isinstance(source, KeepsPackets) else None
            keeps_frames = source.info.live and packets is None
            ring = _FrameRing()
            with self._lock:
                if uri != self._uri:
                    self._results.clear()
                    self._bytes, self._forgot = 0, False
                self._uri, self._source = uri, source.info
                self._packets, self._frames = packets, ring
            return MappedSource(source, ring.keep) if keeps_frames else source

        return open_watched

    def add(self, result: FrameResult) -> None:
        """Keep a result; the engine thread calls this for every frame."""
        frame, detections = result.frame, result.detections
        if detections.masks is not None:
            detections = Detections(
                detections.boxes_xyxy,
                detections.scores,
                detections.class_ids,
                detections.masks.compact(),
            )
        kept = KeptResult(
            frame.frame_index,
            frame.pts_s,
            frame.capture_time_ns,
            (frame.width, frame.height),
            None if frame.on_device else frame_check(frame.image),
            detections,
            result.threshold,
            result.optimizations,
        )
        with self._lock:
            if len(self._results) == MAX_RESULTS:
                self._bytes -= _size(self._results[0])
                self._forgot = True
            self._results.append(kept)
            self._bytes += _size(kept)
            while len(self._results) > 1 and (
                self._bytes > MAX_RESULT_BYTES
                or kept.capture_time_ns - self._results[0].capture_time_ns > HISTORY_S * 1e9
            ):
                self._bytes -= _size(self._results.popleft())
                self._forgot = True

    def recent(self, seconds: float) -> Recent | None:
        """Return the last `seconds` of media time; None when there is no result yet."""
        with self._lock:
            results, source = list(self._results), self._source
            uri, packets, frames = self._uri, self._packets, self._frames
            forgot = self._forgot
        run = last_run(results, seconds)
        if not run or source is None:
            return None
        shorter = why_shorter(results, run, seconds, forgot=forgot)
        return Recent(uri, source, run, packets, frames.all(), shorter)


def last_run(results: Sequence[KeptResult], seconds: float) -> list[KeptResult]:
    """Return the results at the end that belong to one forward run of at most `seconds`.

    A frame that was inferred several times, as after a change while paused, counts once, as last.
    """
    run: list[KeptResult] = []
    for kept in reversed(results):
        if run:
            gap_s = run[-1].pts_s - kept.pts_s
            if abs(gap_s) <= _SAME_S:
                continue
            if not 0 < gap_s <= _LARGEST_GAP_S or run[0].pts_s - kept.pts_s > seconds + _SAME_S:
                break
        run.append(kept)
    return run[::-1]


def why_shorter(
    results: Sequence[KeptResult], run: Sequence[KeptResult], seconds: float, *, forgot: bool
) -> str:
    """Return why `run`, the `last_run` of `results`, is shorter than `seconds`; empty if it is not.

    `forgot` says that results before these were dropped.
    """
    length_s = run[-1].pts_s - run[0].pts_s
    if length_s >= NEARLY * seconds:
        return ""
    first = next(n for n, kept in enumerate(results) if kept is run[0])
    gaps_s = (run[0].pts_s - kept.pts_s for kept in reversed(results[:first]))
    gap_s = next((gap for gap in gaps_s if abs(gap) > _SAME_S), None)
    if gap_s is not None and gap_s < 0:
        return "before that the video jumped or started over, and a replay is one run without jumps"
    if gap_s is not None and gap_s > _LARGEST_GAP_S:
        return (
            f"before that {gap_s:.1f} s have no result (a jump, or an engine that is slow), and a "
            "replay is one run without gaps"
        )
    if gap_s is not None:
        return ""  # the next older frame is more than `seconds` away
    if forgot:
        return (
            f"older results are not kept (at most {HISTORY_S:.0f} s, and "
            f"{MAX_RESULT_BYTES >> 20} MB of masks)"
        )
    return "no more has been played and inferred since the source was opened"


def frame_check(image: U8Array) -> int:
    """Return a number that tells frames apart by a few of their rows, (H, ...) uint8."""
    step = max(1, len(image) // _CHECKED_ROWS)
    return zlib.crc32(image[step // 2 :: step].tobytes())


def _size(kept: KeptResult) -> int:
    masks = kept.detections.masks
    return 64 * len(kept.detections) + (0 if masks is None else masks.nbytes)


class _FrameRing:
    """The last frames of a source that delivers pixels."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frames: deque[Frame] = deque()
        self._bytes = 0

    def keep(self, frame: Frame) -> Frame:
        """Keep `frame` and return it; on the capture thread."""
        with self._lock:
            self._frames.append(frame)
            self._bytes += frame.nbytes
            while self._bytes > MAX_FRAME_BYTES and len(self._frames) > 1:
                self._bytes -= self._frames.popleft().nbytes
        return frame

    def all(self) -> tuple[Frame, ...]:
        with self._lock:
            return tuple(self._frames)
