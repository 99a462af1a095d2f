"""Frames that NVDEC decodes and that stay on the GPU: the same images and results, rates, CPU time.

    PYTHONPATH=.:kernels python packaging/gpu/decode_device.py OUT.json [--parts images,rates]
        [--clips FOLDER]

Parts, run in the order given: `images` (of every frame of every clip, copied to the host, against
the CPU's), `seeks` and `takeover` (as decode.py, with frames that stay), `results` (what the engine
finds in each frame, one hash a frame), `rates` (a file through the engine, from a thread that reads
it, by each way; rounds interleaved, with the bare network's rate and the process's CPU time).
`results` and `rates` need what the engine needs. The file is written after every part.
"""

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from decode import environment
from decode_checks import Note, Pictures, frames_of, opened, seeks, takeover, to_host
from decode_clips import EXACT, LARGE, make
from decode_parts import Parts, arguments_for, run_parts, summary

from rfviewer.engine.cuda.pictures import current_pictures
from rfviewer.frame import Frame
from rfviewer.paths import resource

_ROUNDS = 3
_MEASURED = ("demo_clip", "h264-1080p", "hevc-1080p")
_WAYS: dict[str, tuple[bool, Pictures]] = {
    "CPU": (False, to_host),
    "NVDEC, to the host and back": (True, to_host),
    "NVDEC, stays": (True, current_pictures),
}


def images(clips: dict[str, Path]) -> Note:
    """Compare the image of every frame of every clip with that of the CPU's decoder."""
    notes: Note = {}
    for name, path in clips.items():
        with (
            opened(path, gpu=False) as ours,
            opened(path, gpu=True, pictures=current_pictures) as theirs,
        ):
            frames = equal = stayed = 0
            for a, b in zip(frames_of(ours), frames_of(theirs), strict=True):
                frames += 1
                stayed += b.on_device
                equal += a.pts_s == b.pts_s and np.array_equal(a.image, b.image)
            reason = "" if theirs.info.decode is None else theirs.info.decode.reason
        notes[name] = {"frames": frames, "stayed": stayed, "equal": equal, "reason": reason}
    return notes


def results(clips: dict[str, Path]) -> Note:
    """Compare what the engine finds in each frame, by every way and with the switch off."""
    from suite_checks import digest
    from suite_parts import THRESHOLD, make_engine

    from rfviewer.optimizations import Optimizations

    engine, notes = make_engine("fp16"), {}

    def found(frames: Iterator[Frame]) -> list[bytes]:
        hashes = []
        for frame in frames:
            while not engine.make_room():
                hashes.append(digest(engine.collect().detections))
            engine.submit(engine.home(frame), THRESHOLD)
        while engine.in_flight:
            hashes.append(digest(engine.collect().detections))
        return hashes

    for name in _MEASURED:
        wanted: list[bytes] | None = None
        row: dict[str, object] = {}
        for way, (gpu, pictures) in _WAYS.items():
            for stays in (True, False) if way == "NVDEC, stays" else (True,):
                engine.configure(Optimizations(depth=3, device_frames=stays))
                with opened(clips[name], gpu=gpu, pictures=pictures) as source:
                    hashes = found(frames_of(source))
                wanted = wanted or hashes
                unequal = sum(a != b for a, b in zip(hashes, wanted, strict=True))
                row[way if stays else f"{way}, switch off"] = {
                    "frames": len(hashes),
                    "unequal": unequal,
                }
        notes[name] = row
    engine.close()
    return notes


def rates(clips: dict[str, Path]) -> Note:
    """Return frames a second and CPU milliseconds a frame of a file through the engine."""
    from suite_figures import bare_fps, run
    from suite_parts import fed, make_engine

    from rfviewer.optimizations import Optimizations

    engine, notes = make_engine("fp16"), {}
    engine.configure(Optimizations(depth=3))
    for name in _MEASURED:
        rows: dict[str, list[tuple[float, float]]] = {}
        bare: list[float] = []
        for turn in range(_ROUNDS + 1):
            for way, (gpu, pictures) in _WAYS.items():
                with opened(clips[name], gpu=gpu, pictures=pictures) as source:
                    cpu_s, count = time.process_time(), source.info.frame_count or 0
                    fps = run(engine, fed(engine, frames_of(source)), drawn=False)["fps"]
                    cpu_s = time.process_time() - cpu_s
                if turn:  # the first one builds slots and takes memory
                    rows.setdefault(way, []).append((fps, 1e3 * cpu_s / count))
            bare.append(bare_fps(engine, []))
        notes[name] = {
            "bare_fps": round(statistics.median(bare), 1),
            **{way: summary(values) for way, values in rows.items()},
        }
        print(name, json.dumps(notes[name]), flush=True)
    engine.close()
    return notes


PARTS: Parts = {
    "images": images,
    "seeks": lambda clips: seeks(clips, current_pictures),
    "takeover": lambda clips: takeover(clips, current_pictures),
    "results": results,
    "rates": rates,
}


def main() -> None:
    """Run the parts and write the JSON after each."""
    arguments = arguments_for(PARTS)
    wanted = [spec for spec in (*EXACT, *LARGE) if "4k" not in spec.name]
    clips = {"demo_clip": resource("demo_clip.mp4")}
    clips |= {spec.name: make(spec, arguments.clips) for spec in wanted}
    found: Note = {"environment": environment()}
    run_parts(PARTS, arguments, clips, found)
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
