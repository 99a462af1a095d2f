"""How decode.py and decode_device.py run their parts, and sum up what was measured."""

import argparse
import json
import logging
import statistics
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import gettempdir
from typing import override

from decode_checks import Note

from rfviewer import log

type Parts = Mapping[str, Callable[[dict[str, Path]], Note]]


class _Messages(logging.Handler):
    """Keeps what the decoder logs when it gives the GPU up."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def arguments_for(parts: Parts) -> argparse.Namespace:
    """Return `out`, `parts` and `clips` of the command line; the folder for clips is there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--parts", default=",".join(parts))
    parser.add_argument("--clips", type=Path, default=Path(gettempdir()) / "rfviewer-decode")
    arguments = parser.parse_args()
    arguments.clips.mkdir(parents=True, exist_ok=True)
    return arguments


def run_parts(
    parts: Parts, arguments: argparse.Namespace, clips: dict[str, Path], results: Note
) -> None:
    """Run the parts in the order given; `results` is written to the file after each."""
    messages = _Messages()
    log.source.addHandler(messages)
    for name in arguments.parts.split(","):
        started_s, first = time.perf_counter(), len(messages.lines)
        try:
            results[name] = parts[name](clips)
        except Exception:  # noqa: BLE001 - the other parts still count
            results[name] = {"failed": traceback.format_exc()[-2000:]}
        results[f"{name}_s"] = round(time.perf_counter() - started_s, 1)
        results[f"{name}_log"] = sorted(set(messages.lines[first:]))
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def summary(values: list[tuple[float, float]]) -> Note:
    """Return the medians of (frames a second, CPU milliseconds a frame), and all rates."""
    return {
        "fps": round(statistics.median(fps for fps, _ in values), 1),
        "fps_all": [round(fps, 1) for fps, _ in values],
        "cpu_ms": round(statistics.median(cpu_ms for _, cpu_ms in values), 3),
    }
