"""Timing on the device: graph replays between events, medians with their spread."""

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch

_WARMUPS = 3


@dataclass(frozen=True)
class Timing:
    """Microseconds of one call."""

    median_us: float
    p10_us: float
    p90_us: float
    calls: int
    """How many calls were timed in all."""

    def to_json(self) -> dict[str, float]:
        """Return it rounded to a nanosecond."""
        return {key: round(value, 3) for key, value in asdict(self).items()}


def spread(values_us: list[float], calls: int) -> Timing:
    """Return median, 10 % and 90 % quantile of samples."""
    ordered = sorted(values_us)
    low, high = ordered[len(ordered) // 10], ordered[-1 - len(ordered) // 10]
    return Timing(statistics.median(ordered), low, high, calls)


def capture(work: Callable[[], None], stream: torch.cuda.Stream) -> torch.cuda.CUDAGraph:
    """Return `work` as a graph with its own memory pool, after warm-up runs on the same stream.

    The own stream matters: cuBLAS keeps one workspace per stream, and graphs captured on one
    stream but replayed on several would share it.
    """
    with torch.cuda.stream(stream):
        for _ in range(_WARMUPS):
            work()
    stream.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        work()
    return graph


def replay_timing(work: Callable[[], None], *, inner: int = 20, samples: int = 60) -> Timing:
    """Return the time of one `work` inside a graph that holds `inner` of them."""
    stream = torch.cuda.Stream()

    def many() -> None:
        for _ in range(inner):
            work()

    graph = capture(many, stream)
    pairs = [
        (torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True))
        for _ in range(samples)
    ]
    with torch.cuda.stream(stream):
        for _ in range(_WARMUPS):
            graph.replay()
        for start, end in pairs:
            start.record(stream)
            graph.replay()
            end.record(stream)
    stream.synchronize()
    return spread([start.elapsed_time(end) * 1e3 / inner for start, end in pairs], inner * samples)


def eager_timing(work: Callable[[], object], *, samples: int = 20) -> Timing:
    """Return the time of `work` launched from the host, waits included: the "off" form."""
    values = []
    for index in range(samples + _WARMUPS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        end.record()
        end.synchronize()
        if index >= _WARMUPS:
            values.append(start.elapsed_time(end) * 1e3)
    return spread(values, samples)


def ceilings() -> dict[str, float]:
    """Measure this machine's own limits: memory and bus in GB/s, fp16 matrix rate in TFLOP/s."""
    big = torch.randint(0, 255, (1 << 30,), dtype=torch.uint8, device="cuda")
    other = torch.empty_like(big)
    copy = replay_timing(lambda: other.copy_(big), inner=2, samples=10)
    host = torch.empty(1 << 26, dtype=torch.uint8, pin_memory=True)
    target = big[: 1 << 26]
    h2d = replay_timing(lambda: target.copy_(host, non_blocking=True), inner=2, samples=10)
    d2h = replay_timing(lambda: host.copy_(target, non_blocking=True), inner=2, samples=10)
    matrix = torch.randn(8192, 8192, dtype=torch.float16, device="cuda")
    product = torch.empty_like(matrix)
    gemm = replay_timing(lambda: torch.mm(matrix, matrix, out=product), inner=2, samples=10)
    return {
        "memory_gb_s": round(2 * (1 << 30) / copy.median_us / 1e3, 1),
        "h2d_gb_s": round((1 << 26) / h2d.median_us / 1e3, 2),
        "d2h_gb_s": round((1 << 26) / d2h.median_us / 1e3, 2),
        "fp16_tflop_s": round(2 * 8192**3 / gemm.median_us / 1e6, 1),
    }
