"""A run as a trace file: the JSON trace event format, which Perfetto and chrome://tracing open.

Format: "Trace Event Format", the Chromium project. Used here: complete events ("X") for spans,
metadata ("M") for names and order, counters ("C") for rates, and flows ("s", "t", "f") that lead a
frame from lane to lane. Time stamps are microseconds; events of one thread nest or follow.
"""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rfviewer.lab.describe import describe_set
from rfviewer.lab.output_file import write_whole
from rfviewer.lab.timeline import Piece, Timeline, idle_windows, is_device, timeline_of
from rfviewer.optimizations import Optimizations
from rfviewer.snapshot import FrameSample
from rfviewer.timing import Span

DEVICE, HOST = 1, 2
"""Process numbers: the trace shows what the device does apart from the threads."""
_RATE_FRAMES = 8
"""Frames over which the rate counter is taken."""
_IDLE_WINDOW_NS = 50_000_000

type Event = dict[str, Any]
type QueueReading = tuple[int, Mapping[str, tuple[int, int]]]
"""`Snapshot.time_ns` and `Snapshot.queues`."""


def write_trace(
    path: Path,
    samples: Iterable[FrameSample],
    *,
    metadata: Mapping[str, str],
    queues: Iterable[QueueReading] = (),
    overwrite: bool = False,
) -> int:
    """Write the spans of `samples` and return how many there were; packed when named .gz.

    `metadata` holds versions, command line and settings. Call it on a thread that may wait.

    Raises:
        SinkError: one sentence; no file is left half written.
    """
    timeline = timeline_of(samples)
    trace = {
        "displayTimeUnit": "ms",
        "otherData": {**metadata, "start_monotonic_ns": str(timeline.start_ns)},
        "traceEvents": trace_events(timeline, queues),
    }
    text = json.dumps(trace, separators=(",", ":"), allow_nan=False).encode("ascii")
    data = gzip.compress(text, 6, mtime=0) if path.name.lower().endswith(".gz") else text
    write_whole(path, data, overwrite=overwrite)
    return len(timeline.pieces)


def trace_events(timeline: Timeline, queues: Iterable[QueueReading] = ()) -> list[Event]:
    """Return all events: names first, then by time."""
    threads = {lane: number for number, lane in enumerate(timeline.lanes, start=1)}
    names: dict[Optimizations, str] = {}
    events = [_complete(piece, threads, timeline.start_ns, names) for piece in timeline.pieces]
    for number, way in enumerate(timeline.frames(), start=1):
        events += _flow(number, way, threads, timeline.start_ns)
    events += _counters(timeline, queues)
    # A flow binds to the slice around it, so the slice comes first.
    events.sort(key=lambda event: (event["ts"], event["ph"] != "X"))
    return [*_names(threads), *events]


def _names(threads: Mapping[str, int]) -> list[Event]:
    events = []
    for process, title in ((DEVICE, "engine slots"), (HOST, "rfviewer threads")):
        events += [
            _meta("process_name", process, 0, {"name": title}),
            _meta("process_sort_index", process, 0, {"sort_index": process}),
        ]
    for lane, thread in threads.items():
        events += [
            _meta("thread_name", _process(lane), thread, {"name": lane}),
            _meta("thread_sort_index", _process(lane), thread, {"sort_index": thread}),
        ]
    return events


def _meta(name: str, process: int, thread: int, args: Mapping[str, object]) -> Event:
    return {"name": name, "ph": "M", "ts": 0, "pid": process, "tid": thread, "args": args}


def _process(lane: str) -> int:
    return DEVICE if is_device(lane) else HOST


def _us(time_ns: int, start_ns: int) -> float:
    return (time_ns - start_ns) / 1000


def _complete(
    piece: Piece, threads: Mapping[str, int], start_ns: int, names: dict[Optimizations, str]
) -> Event:
    span, sample = piece.span, piece.sample
    args: dict[str, object] = {}
    if piece.frame_index >= 0:
        args["frame_index"] = piece.frame_index
    if sample is not None:
        wanted = sample.optimizations
        if wanted not in names:
            names[wanted] = describe_set(wanted)
        args |= {
            "pts_s": round(sample.pts_s, 6),
            "detections": sample.detections,
            "optimizations": names[wanted],
        }
    return {
        "name": str(span.stage),
        "cat": "stage",
        "ph": "X",
        "ts": _us(span.start_ns, start_ns),
        "dur": max(0, span.end_ns - span.start_ns) / 1000,
        "pid": _process(span.lane),
        "tid": threads[span.lane],
        "args": args,
    }


def _flow(
    number: int, way: Sequence[Span], threads: Mapping[str, int], start_ns: int
) -> list[Event]:
    """Return the arrows of one frame; none for a frame seen on one lane only."""
    if len(way) < 2:
        return []
    events: list[Event] = [
        {
            "name": "frame",
            "cat": "frame",
            "ph": "t",
            "id": number,
            "ts": _us(span.start_ns, start_ns),
            "pid": _process(span.lane),
            "tid": threads[span.lane],
        }
        for span in way
    ]
    events[0]["ph"] = "s"
    events[-1] |= {"ph": "f", "bp": "e"}  # ends in the slice around it, not in the next one
    return events


def _counters(timeline: Timeline, queues: Iterable[QueueReading]) -> list[Event]:
    start_ns, samples = timeline.start_ns, timeline.samples
    events = []
    for first, last in zip(samples, samples[_RATE_FRAMES:], strict=False):
        elapsed_ns = last.done_time_ns - first.done_time_ns
        if elapsed_ns > 0:
            rate = round(_RATE_FRAMES * 1e9 / elapsed_ns, 3)
            events.append(_counter("inferred", last.done_time_ns, start_ns, {"frames/s": rate}))
    spans = timeline.device_spans()
    for begin_ns, share in idle_windows(spans, _IDLE_WINDOW_NS):
        idle = {"percent": round(100 * share, 3)}
        events.append(_counter("device idle", begin_ns, start_ns, idle))
    told: dict[str, int] = {}
    for time_ns, fills in queues:
        if not timeline.start_ns <= time_ns <= timeline.end_ns:
            continue
        for name, (fill, _) in fills.items():
            if told.get(name) != fill:  # a counter holds until it changes
                told[name] = fill
                events.append(_counter(f"queue {name}", time_ns, start_ns, {"frames": fill}))
    return events


def _counter(name: str, time_ns: int, start_ns: int, values: Mapping[str, float]) -> Event:
    return {
        "name": name,
        "cat": "counter",
        "ph": "C",
        "ts": _us(time_ns, start_ns),
        "pid": HOST,
        "tid": 0,
        "args": values,
    }
