"""NVDEC against the CPU: every frame, seeks, taking over, rates, memory, time to open.

    PYTHONPATH=. python packaging/gpu/decode.py OUT.json [--parts exact,rates] [--clips FOLDER]

Needs av, numpy and rfviewer.sources. Parts, run in the order given: `exact` (planes of every frame,
and the images made from them), `seeks` (random places, forwards and back), `takeover` (the CPU goes
on after a failure), `opening` (time and memory), `rates` (frames a second and CPU time, rounds
interleaved). Here pictures come to the host; decode_device.py asks of those that stay on the GPU.
Clips are encoded on the spot and kept in FOLDER. The file is written after every part; a part that
fails is noted and the others go on. The last lines are a table.
"""

import argparse
import ctypes
import json
import logging
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import gettempdir
from typing import override

import av
from decode_checks import Note, exact, seeks, takeover
from decode_clips import EXACT, LARGE, make
from decode_rates import opening, rates

from rfviewer import log
from rfviewer.paths import resource

LIBRARIES = ("libcuda.so.1", "libnvcuvid.so.1")
DEMO = ("demo_clip.mp4", "demo_clip_720p.mp4")


class _Messages(logging.Handler):
    """Keeps what the decoder logs when it gives the GPU up."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def environment() -> Note:
    """Return what decodes here."""
    found = {}
    for name in LIBRARIES:
        try:
            ctypes.CDLL(name)
            found[name] = "loads"
        except OSError as error:
            found[name] = str(error)
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    return {
        "gpu": subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip(),
        "libraries": found,
        "cpus": len(os.sched_getaffinity(0)),
        "pyav": av.__version__,
        "ffmpeg": av.ffmpeg_version_info,
        "python": sys.version.split()[0],
    }


PARTS: dict[str, Callable[[dict[str, Path]], Note]] = {
    "exact": exact,
    "seeks": seeks,
    "takeover": takeover,
    "opening": opening,
    "rates": rates,
}


def main() -> None:
    """Run the parts and write the JSON after each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--clips", type=Path, default=Path(gettempdir()) / "rfviewer-decode")
    arguments = parser.parse_args()
    messages = _Messages()
    log.source.addHandler(messages)
    arguments.clips.mkdir(parents=True, exist_ok=True)
    clips = {name.partition(".")[0]: resource(name) for name in DEMO}
    clips |= {spec.name: make(spec, arguments.clips) for spec in (*EXACT, *LARGE)}
    results: Note = {"environment": environment()}
    results["specs"] = {spec.name: asdict(spec) for spec in (*EXACT, *LARGE)}
    results["bytes"] = {name: path.stat().st_size for name, path in clips.items()}
    for name in arguments.parts.split(","):
        started_s, first = time.perf_counter(), len(messages.lines)
        try:
            results[name] = PARTS[name](clips)
        except Exception:  # noqa: BLE001 - the other parts still count
            results[name] = {"failed": traceback.format_exc()[-2000:]}
        results[f"{name}_s"] = round(time.perf_counter() - started_s, 1)
        results[f"{name}_log"] = sorted(set(messages.lines[first:]))
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")
    print_table(results)


def print_table(results: Note) -> None:
    """Print what matters, a line each."""
    for part in ("environment", *PARTS):
        for name, value in (results.get(part) or {}).items():
            print(
                f"{part:9} {name:20} {json.dumps(value) if not isinstance(value, str) else value}"
            )


if __name__ == "__main__":
    main()
