"""Timings of the frames that a fake session plays, as an engine would tell them."""

import numpy as np

from rfviewer.optimizations import Optimizations
from rfviewer.snapshot import FrameSample
from rfviewer.timing import Span, Stage, StageTimings

_GPU_MS = {
    Stage.CAPTURE: 0.2, Stage.H2D: 0.03, Stage.PREPROCESS: 0.05, Stage.INFER: 1.6,
    Stage.POSTPROCESS: 0.11, Stage.D2H: 0.05, Stage.RENDER: 0.1,
}  # fmt: skip
_CPU_MS = {
    Stage.CAPTURE: 2.1, Stage.PREPROCESS: 6.5, Stage.INFER: 226.0, Stage.POSTPROCESS: 9.2,
    Stage.RENDER: 4.4,
}  # fmt: skip


def frame_rate(*, gpu: bool) -> float:
    """Frames a second that are inferred."""
    return 600.0 if gpu else 4.0


def sample(
    index: int, born_s: float, optimizations: Optimizations, *, gpu: bool, with_spans: bool
) -> FrameSample:
    """Return how frame `index` of a session went that began at `born_s`, monotonic."""
    rate = frame_rate(gpu=gpu)
    slow = 2.0 if optimizations == Optimizations.baseline() else 1.0
    wobble = 1 + 0.12 * np.sin(index / 9)
    stages = {stage: ms * wobble * slow for stage, ms in (_GPU_MS if gpu else _CPU_MS).items()}
    done = int((born_s + index / rate) * 1e9)
    depth = optimizations.depth
    took = round(sum(stages[s] for s in stages if s is not Stage.CAPTURE) * 1e6)
    waited = round((depth - 1) * 0.8e9 / rate) + 200_000
    made = spans(index, done, stages, depth) if with_spans else ()
    return FrameSample(
        index,
        index / rate,
        done,
        StageTimings(stages, done - took, done, made),
        optimizations,
        5,
        done - took - waited,
    )


def spans(index: int, done_ns: int, stages_ms: dict[Stage, float], depth: int) -> tuple[Span, ...]:
    """Spans of one frame that was done at `done_ns`: device stages on a slot, host and threads."""
    lane = f"slot {index % depth}"
    made, end = [], done_ns
    for stage in (Stage.D2H, Stage.POSTPROCESS, Stage.INFER, Stage.PREPROCESS, Stage.H2D):
        if stage in stages_ms:
            start = end - round(stages_ms[stage] * 1e6)
            made.append(Span(lane, stage, start, end))
            end = start
    begin = end
    submit = max(20_000, (done_ns - begin) // 40)
    made.append(Span("host", Stage.SUBMIT, begin - submit, begin))
    made.append(Span("host", Stage.COLLECT, done_ns - submit, done_ns + submit // 4))
    for stage, where, late in ((Stage.CAPTURE, "decode", -2), (Stage.RENDER, "draw", 1)):
        length = round(stages_ms.get(stage, 0.1) * 1e6)
        start = begin + late * length if late < 0 else done_ns + submit
        made.append(Span(where, stage, start, start + length, index))
    return tuple(made)
