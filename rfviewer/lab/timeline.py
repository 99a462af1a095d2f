"""Spans of a run on one time axis: lanes, the work of each frame, and when the device was idle."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rfviewer.snapshot import FrameSample
from rfviewer.timing import Span, Stage, union_length

_THREADS = ("host", "decode", "draw", "write")


def is_device(lane: str) -> bool:
    """Whether a lane is a stream of the device, or a worker of the host engine."""
    return lane.startswith("slot")


def lane_order(lane: str) -> tuple[int, int, str]:
    """Return a key that sorts lanes for display: slots, then threads in the order of a frame."""
    if is_device(lane):
        return 0, len(lane), lane
    return 1, _THREADS.index(lane) if lane in _THREADS else len(_THREADS), lane


@dataclass(frozen=True, slots=True)
class Piece:
    """A span with what is known about the frame that it worked on."""

    span: Span
    sample: FrameSample | None
    """The frame's sample; None when it has none, e.g. for a frame still in flight."""
    frame_index: int
    """-1 when it is not known."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """All that is known of a stretch of time."""

    samples: Sequence[FrameSample]
    """By time of completion."""
    pieces: Sequence[Piece]
    """By start."""
    start_ns: int
    """First start of any span."""
    end_ns: int
    """Last end of any span."""

    @property
    def lanes(self) -> list[str]:
        """The lanes in the order of display."""
        return sorted({piece.span.lane for piece in self.pieces}, key=lane_order)

    def device_spans(self) -> list[Span]:
        """Return what the device did, by start."""
        return [piece.span for piece in self.pieces if is_device(piece.span.lane)]

    def device_idle(self) -> float | None:
        """Return the share, 0..1, of the time without work of ours on the device.

        From its first known work to its last; None when nothing is known.
        """
        spans = self.device_spans()
        if not spans:
            return None
        return idle_share(spans, spans[0].start_ns, max(span.end_ns for span in spans))

    def frames(self) -> list[list[Span]]:
        """Return each frame's way: the first span on each lane that it passed, by start."""
        ways: dict[int, list[Span]] = {}
        for piece in self.pieces:
            if piece.sample is None or piece.span.stage is Stage.COLLECT:
                continue
            way = ways.setdefault(id(piece.sample), [])
            if all(span.lane != piece.span.lane for span in way):
                way.append(piece.span)
        return list(ways.values())


def timeline_of(samples: Iterable[FrameSample]) -> Timeline:
    """Sort the spans of `samples` and find the frame of each."""
    ordered = sorted(samples, key=lambda sample: sample.done_time_ns)
    by_capture = {sample.capture_time_ns: sample for sample in ordered if sample.capture_time_ns}
    captures = sorted(by_capture)
    by_index: dict[int, list[FrameSample]] = {}
    for sample in ordered:
        by_index.setdefault(sample.frame_index, []).append(sample)
    pieces = []
    for sample in ordered:
        for span in sample.timings.spans:
            if span.stage is Stage.CAPTURE:
                place = bisect_left(captures, span.start_ns)
                found = captures[place] if place < len(captures) else None
                covered = found is not None and found <= span.end_ns
                owner = by_capture[found] if covered and found is not None else None
            elif span.frame_index < 0:
                owner = sample
            else:
                owner = _latest_before(by_index.get(span.frame_index, ()), span.start_ns)
            index = span.frame_index if owner is None else owner.frame_index
            pieces.append(Piece(span, owner, index))
    pieces.sort(key=lambda piece: (piece.span.start_ns, -piece.span.end_ns))
    start_ns = pieces[0].span.start_ns if pieces else 0
    end_ns = max((piece.span.end_ns for piece in pieces), default=0)
    return Timeline(ordered, pieces, start_ns, end_ns)


def _latest_before(samples: Sequence[FrameSample], time_ns: int) -> FrameSample | None:
    """Return the last of `samples` that was done by then: frames come again when a video loops."""
    done = [sample for sample in samples if sample.done_time_ns <= time_ns]
    return done[-1] if done else None


def idle_share(spans: Iterable[Span], start_ns: int, end_ns: int) -> float | None:
    """Return the share, 0..1, of an interval in which none of `spans` ran; None if it is empty."""
    if end_ns <= start_ns:
        return None
    busy = union_length(
        (max(span.start_ns, start_ns) - start_ns, min(span.end_ns, end_ns) - start_ns)
        for span in spans
    )
    return 1.0 - busy / (end_ns - start_ns)


def idle_windows(spans: Sequence[Span], window_ns: int) -> list[tuple[int, float]]:
    """Return (start, idle share) of consecutive windows over `spans`, which are sorted by start."""
    if not spans:
        return []
    start_ns, end_ns = spans[0].start_ns, max(span.end_ns for span in spans)
    windows: list[list[Span]] = [[] for _ in range(-(-(end_ns - start_ns) // window_ns))]
    for span in spans:
        first = (span.start_ns - start_ns) // window_ns
        last = max(span.start_ns, span.end_ns - 1) - start_ns
        for number in range(first, min(last // window_ns + 1, len(windows))):
            windows[number].append(span)
    shares = []
    for number, inside in enumerate(windows):
        begin_ns = start_ns + number * window_ns
        share = idle_share(inside, begin_ns, min(begin_ns + window_ns, end_ns))
        if share is not None:
            shares.append((begin_ns, share))
    return shares


def stage_durations_ms(samples: Iterable[FrameSample]) -> Mapping[Stage, list[float]]:
    """Return the durations of each stage that was measured, in the order of `Stage`."""
    durations: dict[Stage, list[float]] = {stage: [] for stage in Stage}
    for sample in samples:
        for stage, duration_ms in sample.timings.stages_ms.items():
            durations[stage].append(duration_ms)
    return {stage: values for stage, values in durations.items() if values}
