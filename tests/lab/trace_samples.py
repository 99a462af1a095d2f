"""Samples of a made-up run whose times are known."""

from dataclasses import replace

from rfviewer.optimizations import Optimizations
from rfviewer.snapshot import FrameSample
from rfviewer.timing import Span, Stage, StageTimings

MS = 1_000_000
START_NS = 7_000_000_000_000


def sample(number: int, *, depth: int = 2, step_ms: int = 10, loop: int = 0) -> FrameSample:
    """Frame `number` of a run in which every stage takes whole milliseconds.

    Decoding 2 ms, submit 1, h2d 1, preprocess 2, network 5, postprocess 1, d2h 1; drawing 3 and
    writing 2 belong to the frame before.
    """
    at = START_NS + number * step_ms * MS
    index = number % loop if loop else number
    slot = f"slot {number % depth}"
    stages = (
        (Stage.H2D, 1),
        (Stage.PREPROCESS, 2),
        (Stage.INFER, 5),
        (Stage.POSTPROCESS, 1),
        (Stage.D2H, 1),
    )
    spans = [Span("decode", Stage.CAPTURE, at, at + 2 * MS)]
    spans.append(Span("host", Stage.SUBMIT, at + 3 * MS, at + 4 * MS))
    begin = at + 4 * MS
    for stage, length_ms in stages:
        spans.append(Span(slot, stage, begin, begin + length_ms * MS))
        begin += length_ms * MS
    done = begin
    spans.append(Span("host", Stage.COLLECT, done, done + MS // 2))
    if number:
        before = done - step_ms * MS
        last = (number - 1) % loop if loop else number - 1
        spans.append(Span("draw", Stage.RENDER, before, before + 3 * MS, last))
        spans.append(Span("write", Stage.SINK, before + 4 * MS, before + 6 * MS, last))
    durations = {stage: float(length_ms) for stage, length_ms in stages}
    timings = StageTimings(durations, at + 3 * MS, done, tuple(spans))
    return FrameSample(index, index / 25, done, timings, Optimizations(), 3, at + MS)


def run(count: int, **options: int) -> list[FrameSample]:
    """Return `count` samples."""
    return [sample(number, **options) for number in range(count)]


def without_spans(one: FrameSample) -> FrameSample:
    """Return the sample of an engine that does not tell when its stages ran."""
    return replace(one, timings=replace(one.timings, spans=()))
