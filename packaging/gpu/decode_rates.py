"""What decode.py measures: time to open, memory on the GPU, frames a second."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from decode_checks import Note, on_gpu, opened
from decode_clips import LARGE, target_of
from decode_parts import summary

from rfviewer.decode import Decode
from rfviewer.sources.hardware import ON_CPU
from rfviewer.sources.reader import MediaReader

ROUNDS = 3


def opening(clips: dict[str, Path]) -> Note:
    """Return the time to the first frame, first and later, and the memory that NVDEC takes."""
    notes: Note = {}
    for name in ("demo_clip", "demo_clip_720p", "h264-1080p", "h264-4k"):
        times: dict[str, list[float]] = {"cpu": [], "gpu": []}
        for _ in range(ROUNDS):
            for kind, values in times.items():
                before_mib, started_s = _gpu_mib(), time.perf_counter()
                with opened(clips[name], gpu=kind == "gpu"):
                    values.append(round(1e3 * (time.perf_counter() - started_s), 1))
                    mib = _gpu_mib() - before_mib
        notes[name] = {f"{kind}_ms": values for kind, values in times.items()} | {"gpu_mib": mib}
    return notes


def _gpu_mib() -> int:
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    return int(subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[0])


def rates(clips: dict[str, Path]) -> Note:
    """Return frames a second and CPU milliseconds a frame, as decoded and as BGR images."""
    notes: Note = {}
    for name in ("demo_clip", "demo_clip_720p", *(spec.name for spec in LARGE)):
        rows: dict[str, list[tuple[float, float]]] = {}
        for _ in range(ROUNDS):
            for kind, work in _WORK.items():
                rows.setdefault(kind, []).append(work(clips[name]))
        notes[name] = {kind: summary(values) for kind, values in rows.items()}
    return notes


def _rate(take: Callable[[], object]) -> tuple[float, float]:
    count, started_s, cpu_s = 0, time.perf_counter(), time.process_time()
    while take() is not None:
        count += 1
    seconds, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    return count / seconds, 1e3 * cpu_s / count


def _decoding(path: Path, *, gpu: bool) -> tuple[float, float]:
    reader = MediaReader(target_of(path), lambda: False, None, on_gpu() if gpu else ON_CPU)
    reader.next()
    measured = _rate(reader.next)
    if gpu and reader.decode.effective is not Decode.GPU:
        raise RuntimeError(f"{path.name} fell back: {reader.decode.reason}")
    reader.close()
    return measured


def _imaging(path: Path, *, gpu: bool) -> tuple[float, float]:
    with opened(path, gpu=gpu) as source:
        return _rate(source.read)


_WORK: dict[str, Callable[[Path], tuple[float, float]]] = {
    "cpu": lambda path: _decoding(path, gpu=False),
    "gpu": lambda path: _decoding(path, gpu=True),
    "cpu_bgr": lambda path: _imaging(path, gpu=False),
    "gpu_bgr": lambda path: _imaging(path, gpu=True),
}
