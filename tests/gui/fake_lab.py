"""A scripted lab: experiments that advance with every poll, with figures as one would see them."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from rfviewer.config import View
from rfviewer.experiment import (
    AbRequest,
    AbResult,
    Badge,
    Ceiling,
    CeilingsResult,
    Effect,
    Interval,
    LabStatus,
    ParityReading,
    ParityResult,
    ParityWatch,
    WaterfallRequest,
    WaterfallResult,
    WaterfallStep,
)
from rfviewer.lab.parity_verdict import cause
from rfviewer.lab.tolerance import E3
from rfviewer.optimizations import Optimizations, toggle_names, toggle_of
from rfviewer.timing import Stage
from tests.gui.fake_picture import synthetic

SAVES_GPU = {
    "cuda_graph": 0.62, "depth": 0.55, "fused_preprocess": 0.31, "table_cache": 0.04,
    "pinned_input": 0.12, "zero_copy_input": 0.03, "zero_copy_output": 0.05, "event_waits": 0.21,
    "fused_select": 0.18, "limit_masks": 0.27, "roi_masks": 0.09, "packed_masks": 0.11,
    "fixed_copy": 0.08, "pinned_output": 0.07, "device_overlay": 0.002, "roi_render": 0.0,
    "fused_network": 0.4,
}  # fmt: skip
SAVES_CPU = {
    "depth": 11.0, "table_cache": 1.9, "fused_select": 0.7, "limit_masks": 31.0, "roi_masks": 6.2,
    "packed_masks": 0.4, "roi_render": 9.6, "fused_preprocess": 3.1, "zero_copy_input": 0.02,
    "zero_copy_output": -0.6,
}  # fmt: skip
NOISE = {True: 0.02, False: 0.35}


def effect(quantity: str, a: float, by: float, noise: float, unit: str = "ms") -> Effect:
    significant = abs(by) > noise
    high = (a * 1.08, (a + by) * 1.08) if unit == "ms" else (None, None)
    interval = Interval(by - noise, by + noise)
    return Effect(quantity, unit, a, a + by, *high, by, interval, significant)


class FakeLab:
    """What `FakeSession` answers to the lab's calls."""

    def __init__(self, *, gpu: bool) -> None:
        self.gpu = gpu
        self.status: LabStatus | None = None
        self.hold = False
        """Whether an experiment waits at a third of its way."""
        self.error = ""
        """What the next experiment fails with."""
        self.watch: ParityWatch | None = None
        self.reading = ParityReading()
        self._index = 0

    @property
    def saves(self) -> dict[str, float]:
        return SAVES_GPU if self.gpu else SAVES_CPU

    def start(self, request) -> None:
        self._index = 0
        self.status = LabStatus(request, active=True, step="Warming up", index=0, count=24)

    def stop(self) -> None:
        if self.status is not None and self.status.active:
            self.status = LabStatus(self.status.request, active=False)

    def advance(self) -> None:
        """One poll later."""
        status = self.status
        if status is None or not status.active or (self.hold and self._index >= 8):
            return
        if self.error:
            self.status = LabStatus(status.request, active=False, error=self.error)
            return
        self._index += 4
        if self._index <= 24:
            step = f"{self._index} s of at most 24 s; B -0.4 to +6.9 % frames/s so far"
            self.status = LabStatus(status.request, True, step, self._index, 24)
        else:
            result = self.result_of(status.request)
            self.status = LabStatus(status.request, active=False, result=result)

    def result_of(self, request):
        if isinstance(request, AbRequest):
            return self.ab(request.a, request.b)
        if isinstance(request, WaterfallRequest):
            return self.waterfall(request.target)
        return self.ceilings()

    def ab(self, a: Optimizations, b: Optimizations) -> AbResult:
        noise = NOISE[self.gpu]
        times = (
            {Stage.H2D: 0.14, Stage.PREPROCESS: 0.41, Stage.INFER: 2.21, Stage.POSTPROCESS: 0.66,
             Stage.D2H: 0.22, Stage.RENDER: 0.31}
            if self.gpu
            else {Stage.PREPROCESS: 9.8, Stage.INFER: 231.0, Stage.POSTPROCESS: 44.0,
                  Stage.RENDER: 13.1}
        )  # fmt: skip
        by = dict.fromkeys(times, 0.0)
        for name in toggle_names():
            before, after = int(getattr(a, name)), int(getattr(b, name))
            stage = toggle_of(name).stage
            if before != after and stage in by:
                sign = -1 if after > before else 1
                by[stage] += sign * min(self.saves.get(name, 0.0), 0.8 * times[stage])
        stages = [
            effect(stage.value, times[stage], change, noise * max(0.05, times[stage] / 20))
            for stage, change in by.items()
        ]
        whole = sum(times.values())
        change = sum(by.values())
        stages.append(effect("latency", whole, change, noise * whole / 20))
        rate = 1000 / whole
        quicker = 1000 / (whole + change) - rate + (rate * 0.4 if b.depth > a.depth else 0)
        throughput = effect("throughput", rate, quicker, 0.02 * rate, "fps")
        found = [e for e in (*stages, throughput) if e.significant]
        main = max(stages[:-1], key=lambda e: abs(e.difference))
        verdict = "no effect larger than the noise (±0.8 %)"
        if found:
            verb = "saves" if main.difference < 0 else "costs"
            width = main.interval.high - main.difference
            percent = 100 * quicker / rate
            verdict = (
                f"{verb} {abs(main.difference):.2f} ms ± {width:.2f} of {main.quantity}; "
                f"fps {percent:+.0f} %"
            )
        return AbResult(
            a=a, b=b, stages=tuple(stages), throughput=throughput, verdict=verdict,
            effect=bool(found), blocks=16, frames=32 if self.gpu else 1, excluded=0, notes=(),
        )  # fmt: skip

    def waterfall(self, target: Optimizations) -> WaterfallResult:
        names = [n for n in toggle_names() if n in self.saves and getattr(target, n)]
        noise = NOISE[self.gpu]
        base = 5.6 if self.gpu else 331.0
        level, steps = base, []
        for name in names:
            by = -self.saves[name]
            steps.append(
                WaterfallStep(
                    name,
                    alone=effect("frame time", base, by * 1.05, noise),
                    removed=effect("frame time", base - 1.0, -by * 0.9, noise),
                    cumulative=effect("frame time", level, by, noise),
                )
            )
            level += by
        whole = effect("frame time", base, level - base, noise)
        alone = sum(step.alone.difference for step in steps)
        rest = whole.difference - alone
        return WaterfallResult(
            whole=whole, steps=tuple(steps), interaction=rest,
            interaction_interval=Interval(rest - 3 * noise, rest + 3 * noise),
            verdict=f"all of them save {-whole.difference:.2f} ms of {base:.1f} per frame",
            notes=(),
        )  # fmt: skip

    def ceilings(self) -> CeilingsResult:
        rates = (
            {"decode": 2440.0, "bare network": 604.0, "network with copy in": 571.0,
             "whole slot": 548.0, "two slots": 602.0, "drawing": 1890.0, "encoding": 421.0}
            if self.gpu
            else {"decode": 460.0, "bare network": 4.4, "whole slot": 3.9, "drawing": 96.0,
                  "encoding": 61.0}
        )  # fmt: skip
        ceilings = tuple(Ceiling(name, fps) for name, fps in rates.items())
        running = 578.0 if self.gpu else 3.8
        return CeilingsResult(
            ceilings=(*ceilings, Ceiling("camera", None, "the source is a file")),
            running_fps=running,
            bound="network-bound",
            verdict="the bare network allows 604 fps; 96 % of that is reached"
            if self.gpu
            else "the bare network allows 4.4 fps; 86 % of that is reached",
        )

    def compare(self, badge: Badge, folder: Path | None = None, sides=("", ""), **figures) -> None:
        """Set a reading as the live comparison would."""
        values = {
            "passed": badge is not Badge.RED, "gate": "G1/X1", "frames": 214, "pairs": 7_812,
            "flips": 0, "missing": 0, "extra": 0, "soft": 0, "box_max_px": 0.031,
            "box_p99_px": 0.012, "box_mean_px": 0.002, "score_max": 0.0004, "iou_min": 0.9981,
            "iou_mean": 0.99996, "worst_frame": 143, "failures": (),
            "verdict": "all 214 frames pass", "worst_png": None,
        }  # fmt: skip
        if folder is not None:
            values["worst_png"] = write_worst(folder / "worst.png")
        total = ParityResult(**{**values, **figures})
        if "cause" not in figures:
            total = replace(total, cause=cause(total, E3, 2, "", 0.0))
        self.reading = ParityReading(
            badge=badge, compared=total.frames, skipped=12, last_frame=143, total=total,
            reason=figures["failures"][0] if figures.get("failures") else "", sides=sides,
        )  # fmt: skip


def write_worst(path: Path) -> Path:
    from PIL import Image

    left, right = synthetic(143, View()), synthetic(143, View(boxes=False))
    both = np.concatenate((left, right), axis=1)[:, :, [2, 1, 0]]
    Image.fromarray(both).save(path)
    return path
