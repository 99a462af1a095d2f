"""NVDEC against the CPU: every frame, seeks, taking over, rates, memory, time to open.

    PYTHONPATH=. python packaging/gpu/decode.py OUT.json [--parts exact,rates] [--clips FOLDER]

Needs av, numpy and rfviewer.sources. Parts, run in the order given: `exact` (planes of every frame,
and the images made from them), `seeks` (random places, forwards and back), `takeover` (the CPU goes
on after a failure), `opening` (time and memory), `rates` (frames a second and CPU time, rounds
interleaved). Here pictures come to the host; decode_device.py asks of those that stay on the GPU.
Clips are encoded on the spot and kept in FOLDER. The file is written after every part; a part that
fails is noted and the others go on. The last lines are a table.
"""

import ctypes
import json
import os
import subprocess
import sys
from dataclasses import asdict

import av
from decode_checks import Note, exact, seeks, takeover
from decode_clips import EXACT, LARGE, make
from decode_parts import Parts, arguments_for, run_parts
from decode_rates import opening, rates

from rfviewer.paths import resource

LIBRARIES = ("libcuda.so.1", "libnvcuvid.so.1")
DEMO = ("demo_clip.mp4", "demo_clip_720p.mp4")


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


PARTS: Parts = {
    "exact": exact,
    "seeks": seeks,
    "takeover": takeover,
    "opening": opening,
    "rates": rates,
}


def main() -> None:
    """Run the parts and write the JSON after each."""
    arguments = arguments_for(PARTS)
    clips = {name.partition(".")[0]: resource(name) for name in DEMO}
    clips |= {spec.name: make(spec, arguments.clips) for spec in (*EXACT, *LARGE)}
    results: Note = {"environment": environment()}
    results["specs"] = {spec.name: asdict(spec) for spec in (*EXACT, *LARGE)}
    results["bytes"] = {name: path.stat().st_size for name, path in clips.items()}
    run_parts(PARTS, arguments, clips, results)
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
