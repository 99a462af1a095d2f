"""The suite's run of the lab itself on the GPU: waterfall, A/B, and how often an A/B is right."""

from dataclasses import replace

from suite_honesty import Kind, honesty
from suite_parts import LARGE_WH, Bench
from suite_plant import GpuSubject

from rfviewer.config import View
from rfviewer.experiment import (
    AbRequest,
    AbResult,
    Effect,
    Interval,
    WaterfallRequest,
    WaterfallResult,
)
from rfviewer.interfaces import Progress
from rfviewer.lab.record import outcome_record
from rfviewer.lab.run import LabParts, run_experiment
from rfviewer.listing import hardware
from rfviewer.optimizations import Optimizations
from rfviewer.render.host import HostRenderer
from rfviewer.timing import Stage
from rfviewer.version import versions

COMMAND = "python packaging/gpu/suite.py OUT.json --parts lab"
WATERFALL_S, AB_S, HONESTY_S = 100.0, 20.0, 180.0
"""After these no further round starts; the first one also compiles, and six are the fewest."""
EVERYTHING = Optimizations()
_RECORDED = 32
"""Frames, as `rfviewer ab` records."""
_HONESTY_FRAMES, _BLOCK = 8, 8
_COMPARISON_S = 2.5


def waterfall(bench: Bench) -> dict[str, object]:
    """Return the waterfall from the baseline to everything on, drawn by the host as in a window."""
    return _measure(bench, WaterfallRequest(target=EVERYTHING), WATERFALL_S)


def ab(bench: Bench) -> dict[str, object]:
    """Return the A/B of the baseline against everything on."""
    return _measure(bench, AbRequest(a=Optimizations.baseline(), b=EVERYTHING), AB_S)


def lab_honesty(bench: Bench) -> dict[str, object]:
    """Return how often an A/B is right on the GPU, with the verdict of every run."""
    clip, large = bench.clip[:_HONESTY_FRAMES], bench.large[:_HONESTY_FRAMES]
    # One slot a side, and the frame time of the same frames: no second contest for the throughput.
    alone = Optimizations(depth=1, early_relaunch=False)
    plain = replace(alone, fused_preprocess=False)
    defaults = "depth 1 without early_relaunch, 312x176"
    size = f"{LARGE_WH[0]}x{LARGE_WH[1]}"
    kinds = {
        "equal": Kind(None, alone, clip, f"{defaults}; the same slots"),
        "rebuilt": Kind(None, alone, clip, f"{defaults}; slots of their own", rebuilt=True),
        # The fused one takes no longer than two empty kernels: 5 % of it cannot be planted.
        "preprocess": Kind(
            Stage.PREPROCESS, plain, large, f"the same, fused_preprocess off, {size}"
        ),
        "infer": Kind(Stage.INFER, alone, clip, defaults),
        "postprocess": Kind(Stage.POSTPROCESS, alone, clip, defaults),
    }
    subject = GpuSubject(block=_BLOCK, limit_s=_COMPARISON_S)
    try:
        found = honesty(subject, kinds, budget_s=HONESTY_S)
    finally:
        subject.close()
    return {"smallest_plant_us": round(subject.smallest_us, 3), **found}


def _measure(
    bench: Bench, request: AbRequest | WaterfallRequest, limit_s: float
) -> dict[str, object]:
    frames = bench.clip[:_RECORDED]
    bench.engine.configure(EVERYTHING)
    parts = LabParts(View(), HostRenderer(), limit_s=limit_s)
    result = run_experiment(bench.engine, frames, request, parts, _teller())
    assert isinstance(result, AbResult | WaterfallResult)
    steps = result.steps if isinstance(result, WaterfallResult) else ()
    for step in steps:
        ways = (step.alone, step.removed, step.cumulative)
        print(f"{step.name:<18}", *(_change(one) for one in ways), flush=True)
    print("\n".join(result.notes), flush=True)
    print(result.verdict, flush=True)
    return outcome_record(
        request,
        result,
        bench.engine.info,
        source=f"demo {frames[0].width}x{frames[0].height} h264",
        recorded_frames=len(frames),
        hardware=hardware(),
        versions=versions(),
        command=COMMAND,
    )


def _change(effect: Effect) -> str:
    bounds: Interval = effect.interval
    star = "*" if effect.significant else " "
    return f"{effect.difference:+8.3f} ({bounds.low:+.3f} {bounds.high:+.3f}){star}"


def _teller() -> Progress:
    """Return what prints each round of a waterfall once; it is told every frame."""
    last = [""]

    def tell(step: str, index: int, count: int) -> None:
        del index, count
        if step != last[0] and step.endswith("left"):
            print(step, flush=True)
        last[0] = step

    return tell
