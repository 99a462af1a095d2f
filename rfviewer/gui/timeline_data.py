"""The spans of the last seconds by lane, and the gaps between them. Knows no Qt."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rfviewer.snapshot import FrameSample
from rfviewer.timing import Stage

KEPT_NS = 60_000_000_000
"""How far back one can look at most; a fast engine fills the rings sooner."""
_CAPACITY = 16_384  # spans of one lane: 4 s of 600 frames with 6 stages each
_RECENT_LANES_NS = 4_000_000_000
"""A lane without a span for that long, as of a slot that is no more, is left out."""
_PACE_FRAMES = 9
STAGES: tuple[Stage, ...] = tuple(Stage)
_NUMBER = {stage: number for number, stage in enumerate(STAGES)}
_ORDER = ("host", "decode", "draw", "write")

type I64Array = NDArray[np.int64]
type Columns = NDArray[np.int64]
"""(n, 4): start_ns, end_ns, number of the stage, frame or -1."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One span or gap under the pointer."""

    lane: str
    stage: Stage | None
    """None for a gap."""
    frame_index: int
    """-1 when it is not known."""
    start_ns: int
    end_ns: int
    gap_ns: int = 0
    """Idle time of the lane before it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How frames come along: medians over the newest ones."""

    took_ns: int
    """From submit to the complete result."""
    every_ns: int
    """From one result to the next."""

    def span_of(self, frames: int) -> int:
        """Return the time that so many frames in a row take, each of them whole."""
        return self.took_ns + (frames - 1) * self.every_ns

    def frames_in(self, span_ns: int) -> int:
        """Return how many whole frames a time holds."""
        return max(0, (span_ns - self.took_ns) // max(1, self.every_ns) + 1)


def is_device(lane: str) -> bool:
    """Whether a lane is a stream of the device (or a worker of the host engine)."""
    return lane.startswith("slot")


class SpanStore:
    """Rings of spans, one per lane, sorted by start when read. GUI thread only."""

    def __init__(self) -> None:
        self._rings: dict[str, Columns] = {}
        self._counts: dict[str, int] = {}
        self._lost: set[str] = set()
        """Lanes whose oldest spans have made room for new ones."""
        self._frames: deque[tuple[int, int]] = deque(maxlen=_PACE_FRAMES)
        """Submit and completion of the newest frames."""
        self.newest_ns = 0
        """End of the newest span."""
        self.seen = False
        """Whether there was any sample since `clear`."""

    def add(self, samples: Iterable[FrameSample]) -> None:
        """Take over the spans of these frames."""
        found: dict[str, list[tuple[int, int, int, int]]] = {}
        for sample in samples:
            self.seen = True
            timings = sample.timings
            self._frames.append((timings.submit_time_ns, timings.done_time_ns))
            for span in sample.timings.spans:
                own = sample.frame_index if span.stage is not Stage.CAPTURE else -1
                frame = span.frame_index if span.frame_index >= 0 else own
                found.setdefault(span.lane, []).append(
                    (span.start_ns, span.end_ns, _NUMBER[span.stage], frame)
                )
        for lane, rows in found.items():
            self._append(lane, np.array(rows[-_CAPACITY:], np.int64))

    def clear(self) -> None:
        """Forget everything."""
        self._rings.clear()
        self._counts.clear()
        self._lost.clear()
        self._frames.clear()
        self.newest_ns = 0
        self.seen = False

    @property
    def pace(self) -> Pace | None:
        """How frames come along; None before there are three."""
        if len(self._frames) < 3:
            return None
        frames = np.array(self._frames, np.int64)
        every = np.diff(frames[:, 1])
        every = every[every > 0]  # frames that share a pass are done at once
        took = int(np.median(frames[:, 1] - frames[:, 0]))
        return Pace(took, int(np.median(every))) if every.size else None

    @property
    def reach_ns(self) -> int:
        """How far back from the newest span all lanes are known, `KEPT_NS` at most."""
        oldest = [int(self._rings[lane][: self._counts[lane], 0].min()) for lane in self._lost]
        return min([KEPT_NS, *(self.newest_ns - start_ns for start_ns in oldest)])

    def frozen(self) -> "SpanStore":
        """Return a copy that does not change any more."""
        copy = SpanStore()
        copy._rings = {lane: ring.copy(order="F") for lane, ring in self._rings.items()}
        copy._counts, copy._lost = dict(self._counts), set(self._lost)
        copy.newest_ns, copy.seen = self.newest_ns, self.seen
        return copy

    def lanes(self, within_ns: int = 0) -> list[str]:
        """Return the lanes with spans in the last seconds: devices first, then threads.

        `within_ns` is how far back to look where that is more than a few seconds.
        """
        within_ns = max(within_ns, _RECENT_LANES_NS)
        recent = [
            lane
            for lane, ring in self._rings.items()
            if self.newest_ns - int(ring[: self._counts[lane], 1].max()) < within_ns
        ]

        def key(lane: str) -> tuple[int, int, str]:
            if is_device(lane):
                return 0, len(lane), lane
            return 1, _ORDER.index(lane) if lane in _ORDER else len(_ORDER), lane

        return sorted(recent, key=key)

    def between(self, lane: str, start_ns: int, end_ns: int) -> Columns:
        """Return the spans of `lane` that reach into the interval, by start."""
        ring = self._rings.get(lane)
        if ring is None:
            return np.zeros((0, 4), np.int64)
        rows = ring[: self._counts[lane]]
        found = rows[(rows[:, 1] > start_ns) & (rows[:, 0] < end_ns)]
        return found[np.argsort(found[:, 0], kind="stable")]

    def idle_gaps(self, start_ns: int, end_ns: int) -> I64Array:
        """Return (n, 2): when no device lane worked, inside the interval and what is known of it.

        Before the first known span and after the newest one nothing is known, so nothing is idle.
        """
        lanes = [lane for lane in self._rings if is_device(lane)]
        if not lanes:
            return np.zeros((0, 2), np.int64)
        rows = np.concatenate([self.between(lane, start_ns, end_ns) for lane in lanes])
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        newest = max(int(self._rings[lane][: self._counts[lane], 1].max()) for lane in lanes)
        oldest = min(int(self._rings[lane][: self._counts[lane], 0].min()) for lane in lanes)
        start_ns, end_ns = max(start_ns, oldest), min(end_ns, newest)
        if end_ns <= start_ns:
            return np.zeros((0, 2), np.int64)
        reached = np.maximum.accumulate(np.concatenate(([start_ns], rows[:, 1])))
        begins = np.concatenate((rows[:, 0], [end_ns]))
        gaps = np.stack((np.maximum(reached, start_ns), np.minimum(begins, end_ns)), axis=1)
        return gaps[gaps[:, 1] > gaps[:, 0]]

    def idle_share(self, start_ns: int, end_ns: int) -> float | None:
        """Return the share of the interval, 0..1, in which no device lane worked.

        Counts only the part for which spans are known; None when that is empty.
        """
        known = self._known(start_ns, end_ns)
        if known <= 0:
            return None
        gaps = self.idle_gaps(start_ns, end_ns)
        return float((gaps[:, 1] - gaps[:, 0]).sum()) / known

    def stage_shares(self, start_ns: int, end_ns: int) -> dict[Stage, float]:
        """Return for each stage the share of the interval, 0..1, in which it ran on any lane."""
        rows = np.concatenate(
            [np.zeros((0, 4), np.int64), *(self.between(x, start_ns, end_ns) for x in self._rings)]
        )
        known = self._known(start_ns, end_ns)
        known = known if known > 0 else end_ns - start_ns  # no device lane: all of it
        shares = {}
        for number in np.unique(rows[:, 2]):
            covered = _covered(rows[rows[:, 2] == number], start_ns, end_ns)
            if covered:
                shares[STAGES[number]] = min(1.0, covered / known)
        return shares

    def busy_share(self, lane: str, start_ns: int, end_ns: int) -> float:
        """Return the share of the interval, 0..1, in which `lane` worked."""
        covered = _covered(self.between(lane, start_ns, end_ns), start_ns, end_ns)
        return covered / max(1, end_ns - start_ns)

    def hit(self, lane: str, time_ns: int) -> Hit | None:
        """Return the span of `lane` at a moment, or the gap there; None where nothing is known."""
        ring = self._rings.get(lane)
        if ring is None:
            return None
        rows = self.between(lane, time_ns - KEPT_NS, time_ns + KEPT_NS)
        if not len(rows):
            return None
        index = int(np.searchsorted(rows[:, 0], time_ns, side="right")) - 1
        before = int(rows[:index, 1].max()) if index > 0 else None
        if index >= 0 and time_ns < rows[index, 1]:
            start, end, stage, frame = (int(value) for value in rows[index])
            gap = max(0, start - before) if before is not None else 0
            return Hit(lane, STAGES[stage], frame, start, end, gap)
        if 0 <= index < len(rows) - 1:
            start = int(rows[: index + 1, 1].max())
            return Hit(lane, None, -1, start, int(rows[index + 1, 0]))
        return None

    def _known(self, start_ns: int, end_ns: int) -> int:
        rings = [(r, self._counts[lane]) for lane, r in self._rings.items() if is_device(lane)]
        if not rings:
            return 0
        oldest = min(int(ring[:count, 0].min()) for ring, count in rings)
        newest = max(int(ring[:count, 1].max()) for ring, count in rings)
        return min(end_ns, newest) - max(start_ns, oldest)

    def _append(self, lane: str, rows: Columns) -> None:
        ring = self._rings.get(lane)
        if ring is None:
            ring = self._rings[lane] = np.zeros((_CAPACITY, 4), np.int64, order="F")
            self._counts[lane] = 0
        count = self._counts[lane]
        if count + len(rows) > _CAPACITY:  # keep the newer half: moving is rare and cheap
            self._lost.add(lane)
            kept = min(count, _CAPACITY - max(len(rows), _CAPACITY // 2))
            ring[:kept] = ring[count - kept : count].copy()
            count = kept
        ring[count : count + len(rows)] = rows
        self._counts[lane] = count + len(rows)
        self.newest_ns = max(self.newest_ns, int(rows[:, 1].max()))


def _covered(rows: Columns, start_ns: int, end_ns: int) -> int:
    """Return the time inside the interval that the spans cover together."""
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    starts, ends = np.maximum(rows[:, 0], start_ns), np.minimum(rows[:, 1], end_ns)
    reached = np.maximum.accumulate(np.concatenate(([start_ns], ends)))[:-1]
    return int(np.maximum(0, ends - np.maximum(starts, reached)).sum())
