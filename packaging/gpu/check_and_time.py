"""Check every kernel against its reference on this GPU, time it, then time whole slots.

    PYTHONPATH=.:kernels:packaging python packaging/gpu/check_and_time.py OUT.json [--parts ...]

Parts: `tests` (tests/kernels on the device), `kernels` (timings against the roofline), `screen`
(replay time and parity of each form of the network in `--variants`, see network.py), `slots`
(equality over the whole clip, then rates; of the fastest form if screened), `large` (the same on
1080p frames). Writes JSON after every part, so that a crash keeps what was measured.
"""

import argparse
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import torch
import triton
from cases import FRAMES_WH, cases
from network import VARIANTS, Network, demo_module, example_input
from parity import compare, detect
from slots import STAGES, Frame, Slot, differences, fingerprints, rate
from timing import ceilings, eager_timing, replay_timing

ROOT = Path(__file__).resolve().parents[2]
CLIP = ROOT / "resources" / "demo_clip.mp4"
THRESHOLD = 0.4
DEPTHS = (1, 2, 3, 4)
RATE_FRAMES = 2000
PARITY_FRAMES = 180


def clip_frames() -> list[Frame]:
    """Return every frame of the demo clip, BGR."""
    reader = cv2.VideoCapture(str(CLIP))
    frames = []
    while True:
        good, image = reader.read()
        if not good:
            return frames
        frames.append(image)


def hardware() -> dict[str, object]:
    """Return what this was measured on."""
    properties = torch.cuda.get_device_properties(0)
    query = ["nvidia-smi", "--query-gpu=driver_version,clocks.sm", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, check=True)
    return {
        "gpu": properties.name,
        "multiprocessors": properties.multi_processor_count,
        "driver_and_clock": answer.stdout.strip(),
        "torch": torch.__version__,
        "triton": triton.__version__,
        "python": sys.version.split()[0],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def run_tests() -> dict[str, object]:
    """Run tests/kernels on the device; return the closing line and whether all passed."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/kernels"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    if done.returncode:
        print("\n".join(lines[-80:]))
    return {"passed": done.returncode == 0, "summary": lines[-1] if lines else done.stderr[-500:]}


def time_kernels(limits: dict[str, float]) -> list[dict[str, object]]:
    """Return a row per kernel and size."""
    rows: list[dict[str, object]] = []
    device = torch.device("cuda")
    for frame_wh in FRAMES_WH:
        for case in cases(device, frame_wh):
            case.launch()
            timing = replay_timing(case.launch)
            plain = eager_timing(case.reference)
            limit = limits["d2h_gb_s"] if case.bus else limits["memory_gb_s"]
            floor_us = case.moved_bytes / limit / 1e3
            row = {
                "kernel": case.name,
                "source": f"{frame_wh[0]}x{frame_wh[1]}",
                **timing.to_json(),
                "bytes": case.moved_bytes,
                "floor_us": round(floor_us, 3),
                "roofline_percent": round(100 * floor_us / timing.median_us, 1),
                "reference_us": round(plain.median_us, 1),
            }
            rows.append(row)
            print(json.dumps(row))
    return rows


def network_replay(network: Network) -> dict[str, float]:
    """Return the bare network's replay time: the ceiling of one slot."""
    example = example_input(torch.device("cuda"), torch.float16)
    timing = replay_timing(lambda: network(example) and None, inner=1, samples=300)
    return {**timing.to_json(), "fps": round(1e6 / timing.median_us, 1)}


def measure_slots(network: Network, frames: list[Frame]) -> dict[str, object]:
    """Verify overlapping slots against one slot over the whole clip, then time depths."""
    report: dict[str, object] = {"bare_network": network_replay(network), "frames": len(frames)}
    height, width = frames[0].shape[:2]
    slots = [Slot(network, (width, height), THRESHOLD) for _ in DEPTHS]
    expected = fingerprints(slots[:1], frames)
    report["detections"] = sum(expected.counts)
    report["most_detections"] = max(expected.counts)
    report["differing_frames"] = {
        "depth 1 again": differences(fingerprints(slots[:1], frames), expected),
        "no graph": differences(fingerprints(slots[:1], frames, graph=False), expected),
        **{
            f"depth {depth}": differences(fingerprints(slots[:depth], frames), expected)
            for depth in DEPTHS[1:]
        },
    }
    print(json.dumps(report))
    report["fps"] = {
        f"depth {depth}": [round(rate(slots[:depth], frames, RATE_FRAMES), 1) for _ in range(2)]
        for depth in DEPTHS
    }
    samples = []
    for frame in frames[:200]:
        slots[0].submit(frame)
        slots[0].done.synchronize()
        samples.append(slots[0].stage_us())
    medians = np.median(np.array(samples), axis=0)
    report["stages_us"] = dict(zip(STAGES, (round(float(v), 2) for v in medians), strict=True))
    print(json.dumps(report))
    return report


def run_variant(name: str, frames: list[Frame]) -> dict[str, object]:
    """Build one form of the network, time it alone and in slots, compare its detections."""
    module = demo_module(torch.device("cuda"), torch.float16)
    start = time.perf_counter()
    network = VARIANTS[name](module, example_input(torch.device("cuda"), torch.float16))
    built_s = round(time.perf_counter() - start, 1)
    print(name, "built in", built_s, "s")
    return {"build_s": built_s, **measure_slots(network, frames)}


def screen(names: list[str], frames: list[Frame]) -> dict[str, dict[str, object]]:
    """Return replay time and parity with the fp32 network of each form; errors are told."""
    device = torch.device("cuda")
    some = frames[:: len(frames) // PARITY_FRAMES][:PARITY_FRAMES]
    expected = detect(demo_module(device, torch.float32), some, torch.float32)
    found: dict[str, dict[str, object]] = {}
    for name in names:
        start = time.perf_counter()
        try:
            network = VARIANTS[name](
                demo_module(device, torch.float16), example_input(device, torch.float16)
            )
            found[name] = {
                "build_s": round(time.perf_counter() - start, 1),
                **network_replay(network),
                "parity": compare(detect(network, some, torch.float16), expected),
            }
        except Exception as error:  # noqa: BLE001 - an attempt that cannot run is a result
            found[name] = {"error": f"{type(error).__name__}: {error}"[:500]}
        print(name, json.dumps(found[name]))
    return found


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--parts", default="tests,kernels,slots")
    parser.add_argument("--variants", default="trace", help="comma-separated names of network.py")
    arguments = parser.parse_args()
    parts = arguments.parts.split(",")
    report: dict[str, object] = {"hardware": hardware(), "ceilings": ceilings()}

    def save() -> None:
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")

    print(json.dumps(report))
    if "tests" in parts:
        report["tests"] = run_tests()
        print(report["tests"])
        save()
    if "kernels" in parts:
        report["kernels"] = time_kernels(report["ceilings"])  # type: ignore[arg-type]
        save()
    frames = clip_frames()
    chosen = arguments.variants.split(",")
    if "screen" in parts:
        report["screen"] = screened = screen(chosen, frames)
        save()
        times = {name: row["median_us"] for name, row in screened.items() if "median_us" in row}
        chosen = [min(times, key=times.__getitem__)]
    if "slots" in parts:
        for name in chosen:
            report[f"slots {name}"] = run_variant(name, frames)
            save()
    if "large" in parts:
        large = [cv2.resize(frame, (1920, 1080)) for frame in frames[:200]]
        report[f"slots 1080p {chosen[0]}"] = run_variant(chosen[0], large)
        save()


main()
