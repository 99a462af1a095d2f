"""Rates, stage times and host times of the GPU engine on the demo clip; JSON to a file.

    PYTHONPATH=.:kernels python packaging/measure_cuda_engine.py OUT.json

Nothing but the engine: frames lie in memory, results are thrown away.
"""

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

import cv2
import torch

from rfviewer.config import EngineConfig
from rfviewer.engine.backends.torch_network import TorchNetwork
from rfviewer.engine.cuda.engine import CudaEngine
from rfviewer.frame import Frame
from rfviewer.models.demo import demo_spec
from rfviewer.optimizations import Optimizations, toggle_names, toggle_of
from rfviewer.paths import resource
from rfviewer.timing import percentile

THRESHOLD = 0.4
FRAMES, TOGGLE_FRAMES, WARM_FRAMES = 1500, 300, 50


def clip_frames() -> list[Frame]:
    """Return every frame of the demo clip."""
    reader, frames = cv2.VideoCapture(str(resource("demo_clip.mp4"))), []
    while True:
        good, image = reader.read()
        if not good:
            return frames
        height, width = image.shape[:2]
        frames.append(Frame(image, width, height, len(frames), len(frames) / 30, 0))


def run(engine: CudaEngine, frames: list[Frame], count: int) -> dict[str, object]:
    """Return rate, host time and stage medians of `count` frames after a warm-up."""
    for index in range(WARM_FRAMES):
        engine.submit(frames[index % len(frames)], THRESHOLD)
        engine.collect()
    engine.device_usage()
    stages: dict[str, list[float]] = {}
    submit_us, collect_us, latency_ms = [], [], []
    start = time.perf_counter()
    submitted = 0
    for _ in range(count):
        while submitted < count and engine.in_flight < engine.depth:
            before = time.perf_counter_ns()
            engine.submit(frames[submitted % len(frames)], THRESHOLD)
            submit_us.append((time.perf_counter_ns() - before) / 1e3)
            submitted += 1
        engine._busy[0].wait()  # noqa: SLF001 - so that collect_us is the host's work alone
        before = time.perf_counter_ns()
        result = engine.collect()
        collect_us.append((time.perf_counter_ns() - before) / 1e3)
        latency_ms.append(result.timings.latency_ms)
        for stage, duration_ms in result.timings.stages_ms.items():
            stages.setdefault(str(stage), []).append(duration_ms)
    elapsed_s = time.perf_counter() - start
    usage = engine.device_usage()
    return {
        "fps": round(count / elapsed_s, 1),
        "submit_us": round(statistics.median(submit_us), 1),
        "collect_us": round(statistics.median(collect_us), 1),
        "latency_ms_p50_p95": [round(percentile(latency_ms, s) or 0, 3) for s in (0.5, 0.95)],
        "stages_us": {name: round(statistics.median(v) * 1e3, 1) for name, v in stages.items()},
        "gpu_idle": usage.gpu_idle,
        "gap_p50_p95_ms": [usage.network_gap_p50_ms, usage.network_gap_p95_ms],
        "power_w": usage.power_w,
        "clock_mhz": usage.clock_mhz,
        "throttle": usage.throttle,
        "memory_allocated_mb": round(torch.cuda.memory_allocated() / 1e6, 1),
        "memory_reserved_mb": round(torch.cuda.memory_reserved() / 1e6, 1),
    }


def main() -> None:
    """Measure depths, sizes and toggles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    output: Path = parser.parse_args().output
    start = time.perf_counter()
    network = TorchNetwork(demo_spec(), EngineConfig(), lambda step: None)
    loaded_s = time.perf_counter() - start
    start = time.perf_counter()
    engine = CudaEngine(
        network, demo_spec(), EngineConfig(), Optimizations(depth=1), backend_reason="measured"
    )
    report: dict[str, object] = {
        "device": engine.info.device,
        "form": network.form,
        "torch": torch.__version__,
        "load_s": round(loaded_s, 2),
        "engine_s": round(time.perf_counter() - start, 2),
    }

    def note(name: str, value: object) -> None:
        report[name] = value
        print(name, json.dumps(value), flush=True)
        output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")

    note("start", dict(report))
    small = clip_frames()
    large = [
        replace(item, image=cv2.resize(item.image, (1920, 1080)), width=1920, height=1080)
        for item in small[:100]
    ]
    bare = engine.replay_backend(400)
    note("bare_ms_p50_p95", [round(percentile(list(bare[50:]), s) or 0, 4) for s in (0.5, 0.95)])
    for name, frames in (("312x176", small), ("1920x1080", large)):
        for depth in (1, 2, 3, 4):
            before = time.perf_counter()
            engine.configure(Optimizations(depth=depth))
            engine.submit(frames[0], THRESHOLD)
            engine.collect()
            ready_ms = round((time.perf_counter() - before) * 1e3, 1)
            note(f"{name} depth {depth}", {"ready_ms": ready_ms, **run(engine, frames, FRAMES)})
    default = Optimizations(depth=2)
    for name in [*toggle_names(), "baseline"]:
        if name != "baseline" and toggle_of(name).choices:
            continue
        chosen = (
            Optimizations.baseline() if name == "baseline" else replace(default, **{name: False})
        )
        before = time.perf_counter()
        engine.configure(chosen)
        engine.submit(small[0], THRESHOLD)
        engine.collect()
        ready_ms = round((time.perf_counter() - before) * 1e3, 1)
        note(f"without {name}", {"ready_ms": ready_ms, **run(engine, small, TOGGLE_FRAMES)})
    engine.close()


main()
