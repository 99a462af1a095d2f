"""The suite's rates: whole slots against the bare network of the same minutes, interleaved."""

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import torch
from suite_parts import LARGE_WH, THRESHOLD, Bench, bare_rates, fed

from rfviewer.config import View
from rfviewer.engine.cuda.engine import CudaEngine
from rfviewer.frame import Frame
from rfviewer.optimizations import Optimizations
from rfviewer.paths import resource
from rfviewer.timing import Stage, percentile

DEPTHS = (1, 2, 3, 4)
ROUNDS = 3
FRAMES, CEILING_REPLAYS = 400, 120
_WARM = 40
_HELD = 16
_SEEN_PERIOD_S = 1 / 60


def figures(bench: Bench, *, fused: bool) -> dict[str, object]:
    """Return every rate with its ratio to the bare network, median and range over rounds."""
    engine = bench.engine
    base = replace(Optimizations(), fused_network=fused)
    size = f"{LARGE_WH[0]}x{LARGE_WH[1]}"
    at = {depth: replace(base, depth=depth) for depth in DEPTHS}
    read_first = {depth: replace(at[depth], early_relaunch=False) for depth in (1, 3)}
    by_events = {depth: replace(at[depth], kernel_timestamps=False) for depth in (1, 3)}
    plain = {depth: replace(at[depth], dependent_launch=False) for depth in DEPTHS}
    small, large = lambda: held(engine, bench.clip), lambda: held(engine, bench.large)
    kinds: dict[str, tuple[Optimizations, Callable[[], Iterator[Frame]], bool]] = {
        **{f"312x176 depth {d}": (at[d], small, False) for d in DEPTHS},
        **{f"312x176 depth {d}, read first": (read_first[d], small, False) for d in (1, 3)},
        **{f"312x176 depth {d}, timed by events": (by_events[d], small, False) for d in (1, 3)},
        **{f"312x176 depth {d}, plain launches": (plain[d], small, False) for d in DEPTHS},
        **{f"{size} depth {d}": (at[d], large, False) for d in (1, 3)},
        f"{size} depth 3, every row copied": (replace(at[3], needed_rows=False), large, False),
        "312x176 depth 3, drawn at 60 Hz": (at[3], small, True),
        f"{size} depth 3, drawn at 60 Hz": (at[3], large, True),
        "312x176 file, depth 3": (at[3], lambda: fed(engine, demo_file()), False),
        f"{size} from a thread, depth 3": (at[3], lambda: fed(engine, several(bench.large)), False),
        f"{size} copied by the engine thread, depth 3": (
            at[3],
            lambda: several(bench.large),
            False,
        ),
    }
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in kinds}
    bare_ms: list[float] = []
    plain_ms: list[float] = []
    details: dict[str, object] = {}
    for turn in range(ROUNDS + 1):  # the first one captures and warms up
        for name, (wanted, frames, drawn) in kinds.items():
            engine.configure(wanted)
            engine.submit(bench.large[0] if size in name else bench.clip[0], THRESHOLD)
            engine.collect()  # slots and memory are of the right size from here on
            row = run(engine, frames(), drawn=drawn)
            if turn:
                into_ms = bare_ms if wanted.dependent_launch else plain_ms
                rows[name].append(row | {"bare_fps": bare_fps(engine, into_ms)})
        print("round", turn, {name: r[-1]["fps"] for name, r in rows.items() if r}, flush=True)
    for depth in DEPTHS:
        engine.configure(replace(base, depth=depth))
        details[f"312x176 depth {depth}"] = profile(engine, bench.clip)
    for depth, wanted in by_events.items():
        engine.configure(wanted)
        details[f"312x176 depth {depth}, timed by events"] = profile(engine, bench.clip)
    engine.configure(replace(base, depth=1))
    details[f"{size} depth 1"] = profile(engine, bench.large)
    return {
        "form": engine.info.backend_reason,
        "bare_ms_p50_p10_p90": spread(bare_ms),
        "bare_ms_plain_launches": spread(plain_ms),
        "rates": {name: summary(values) for name, values in rows.items()},
        "details": details,
        "bare_fps_on_1_to_4_streams": bare_rates(engine),
        "graph_launch_us": launch_us(engine),
        "decode alone, fps": decode_fps(),
        "memory_allocated_mb": round(torch.cuda.memory_allocated() / 1e6, 1),
        "memory_reserved_mb": round(torch.cuda.memory_reserved() / 1e6, 1),
    }


def spread(times_ms: list[float]) -> list[float]:
    """Return the median, and the 10 and 90 % quantiles."""
    return [round(percentile(times_ms, s) or 0, 4) for s in (0.5, 0.1, 0.9)]


def several(frames: list[Frame]) -> Iterator[Frame]:
    """Yield `FRAMES` frames, over and over the same."""
    return itertools.islice(itertools.cycle(frames), FRAMES)


def held(engine: CudaEngine, frames: list[Frame]) -> Iterator[Frame]:
    """Yield frames that lie where the engine wants them already."""
    return several([engine.home(frame) for frame in frames[:_HELD]])


def launch_us(engine: CudaEngine) -> dict[str, float]:
    """Return how long the host takes to launch a slot's graph, and the bare network's."""
    found = {}
    slot = engine._slots[0]  # noqa: SLF001
    graphs = {"slot": slot._groups[0]._graph, "bare": engine._replays._bare[1]._graph}  # noqa: SLF001
    for name, graph in graphs.items():
        times = []
        for _ in range(100):
            with torch.cuda.stream(slot.stream):
                start = time.perf_counter_ns()
                graph.replay()  # type: ignore[union-attr]
                times.append((time.perf_counter_ns() - start) / 1e3)
            slot.stream.synchronize()
        found[name] = round(statistics.median(times), 1)
    return found


def demo_file() -> Iterator[Frame]:
    """Yield the frames of the demo clip as OpenCV's FFmpeg decodes them."""
    reader, index = cv2.VideoCapture(str(resource("demo_clip.mp4"))), 0
    while True:
        good, image = reader.read()
        if not good:
            return
        height, width = image.shape[:2]
        yield Frame(image, width, height, index, index / 30, time.monotonic_ns())
        index += 1


def decode_fps() -> dict[str, float]:
    """Return how fast the embedded clips are decoded, with nothing else running."""
    found = {}
    for name in ("demo_clip.mp4", "demo_clip_720p.mp4"):
        reader, count = cv2.VideoCapture(str(resource(name))), 0
        start = time.perf_counter()
        while count < 400 and reader.read()[0]:
            count += 1
        found[name] = round(count / (time.perf_counter() - start), 1)
    return found


def bare_fps(engine: CudaEngine, into_ms: list[float]) -> float:
    """Return the bare network's rate now: the ceiling of one graph, back to back."""
    times = list(engine.replay_backend(CEILING_REPLAYS))[10:]
    into_ms += times
    return 1e3 / statistics.median(times)


def run(engine: CudaEngine, frames: Iterator[Frame], *, drawn: bool) -> dict[str, float]:
    """Return the rate of `frames`, from the first result after a warm-up to the last."""
    start, done, images = 0.0, 0, 0
    due = 0.0
    for frame in frames:
        while not engine.make_room():
            images += engine.collect().composited is not None
            done += 1
            if done == _WARM:
                start = time.perf_counter()
        now = time.perf_counter()
        wanted = drawn and now >= due
        if wanted:
            due = max(due + _SEEN_PERIOD_S, now)
        engine.submit(frame, THRESHOLD, View() if wanted else None)
    while engine.in_flight:
        engine.collect()
        done += 1
    elapsed_s = time.perf_counter() - start
    return {"fps": (done - _WARM) / elapsed_s, "images": images}


def profile(engine: CudaEngine, frames: list[Frame]) -> dict[str, object]:
    """Return host times, stages, gaps and idle share of frames that are homed already."""
    engine.submit(frames[0], THRESHOLD)
    engine.collect()  # the engine's memory is of their size from here on
    homed = [engine.home(frame) for frame in frames[:_HELD]]
    submit_us, collect_us, latency_ms = [], [], []
    stages: dict[Stage, list[float]] = {}
    count, submitted = 600, 0
    engine.device_usage()
    for index in range(count):
        while submitted < count and engine.make_room():
            before = time.perf_counter_ns()
            engine.submit(homed[submitted % len(homed)], THRESHOLD)
            submit_us.append((time.perf_counter_ns() - before) / 1e3)
            submitted += 1
        engine._flight.oldest.wait()  # noqa: SLF001 - so that collect_us is the host's work alone
        before = time.perf_counter_ns()
        result = engine.collect()
        collect_us.append((time.perf_counter_ns() - before) / 1e3)
        latency_ms.append(result.timings.latency_ms)
        for stage, duration_ms in result.timings.stages_ms.items():
            stages.setdefault(stage, []).append(duration_ms)
        if index == _WARM:
            engine.device_usage()
    usage = engine.device_usage()
    host_us = [a + b for a, b in zip(submit_us, collect_us, strict=True)]
    return {
        "submit_us": round(statistics.median(submit_us), 1),
        "collect_us": round(statistics.median(collect_us), 1),
        "host_us_p10_p50_p95": [round(percentile(host_us, s) or 0, 1) for s in (0.1, 0.5, 0.95)],
        "latency_ms_p50_p95": [round(percentile(latency_ms, s) or 0, 3) for s in (0.5, 0.95)],
        "stages_us": {str(k): round(statistics.median(v) * 1e3, 1) for k, v in stages.items()},
        "gpu_idle": None if usage.gpu_idle is None else round(usage.gpu_idle, 5),
        "gap_us_p50_p95": [
            None if gap is None else round(gap * 1e3, 2)
            for gap in (usage.network_gap_p50_ms, usage.network_gap_p95_ms)
        ],
        "power_w": usage.power_w,
        "clock_mhz": usage.clock_mhz,
        "throttle": usage.throttle,
    }


def summary(values: list[dict[str, float]]) -> dict[str, object]:
    """Return medians and ranges of a row's rounds."""
    rates = [value["fps"] for value in values]
    ratios = [value["fps"] / value["bare_fps"] for value in values]
    return {
        "fps": round(statistics.median(rates), 1),
        "fps_range": [round(min(rates), 1), round(max(rates), 1)],
        "of_bare": round(statistics.median(ratios), 4),
        "of_bare_range": [round(min(ratios), 4), round(max(ratios), 4)],
        "images": max(value["images"] for value in values),
    }
