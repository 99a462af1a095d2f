"""The suite's proofs: tests on the device, toggles, forms and precisions by the gate."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch
from suite_parts import THRESHOLD, Bench, make_engine

from rfviewer.engine.cuda.engine import CudaEngine
from rfviewer.experiment import ParityRequest, ParityResult
from rfviewer.frame import Frame
from rfviewer.lab.digest import digest
from rfviewer.lab.parity import Side, compare_sides, run_parity
from rfviewer.lab.tolerance import differing
from rfviewer.optimizations import Optimizations, toggle_names, toggle_of
from rfviewer.timing import Stage
from rfviewer.toggle import Exactness

INPUT_ROUNDING = 2e-6
"""Of values of about -2 to 3. Each of up to six roundings of a level below 256 is half of its last
bit, 7.6e-6 levels, which is 1.3e-7 of the smallest deviation; there are two sides."""
ROOT = Path(__file__).resolve().parents[2]
DEPTH = 3
_ELSEWHERE = ("device_frames",)
"""Does nothing on this clip, whose frames lie on the host: decode_device.py compares it."""


def run_tests() -> dict[str, object]:
    """Run the kernels' and the engine's tests on the device, both at once."""
    pytest = (sys.executable, "-m", "pytest", "-q", "--maxfail=20")
    running = {
        folder: subprocess.Popen(
            ["env", "RFVIEWER_REQUIRE_CUDA=1", *pytest, folder],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for folder in ("tests/kernels", "tests/engine_cuda")
    }
    found: dict[str, object] = {}
    for folder, process in running.items():
        output, _ = process.communicate()
        lines = output.strip().splitlines()
        found[folder] = {"passed": process.returncode == 0, "summary": lines[-1] if lines else ""}
        if process.returncode:
            print("\n".join(lines[-120:]), flush=True)
        print(folder, found[folder], flush=True)
    return found


def check_toggles(bench: Bench) -> dict[str, object]:
    """Compare each toggle off, each depth and everything off with all on; every frame.

    A promise of equal bits is checked by one digest a frame, others by the gate: in fp16, where the
    network makes more of a difference than the toggle itself does, and in fp32 by the tolerance of
    rounding, which tells whether the toggle computes the same. What rounds in the preprocess is
    compared where it acts, too: the network chooses its queries by a sort, so that the last bit of
    its input can move a detection by far more than rounding.
    """
    reference = Optimizations(depth=1)
    candidates = {f"depth {depth}": Optimizations(depth=depth) for depth in (1, 2, 3, 4)}
    for name in toggle_names():
        if not toggle_of(name).choices and name not in _ELSEWHERE:
            candidates[f"{name} off"] = replace(Optimizations(depth=DEPTH), **{name: False})
    candidates["all off"] = Optimizations.baseline()
    wanted = digests(bench, reference)
    exact = make_engine("fp32")
    found: dict[str, object] = {}
    for name, candidate in candidates.items():
        start = time.perf_counter()
        sides = reference, candidate
        promise = max(
            (toggle_of(item).exactness for item in differing(*sides)), default=Exactness.BIT_EXACT
        )
        row: dict[str, object] = {"promise": str(promise), "frames": len(wanted)}
        if promise is Exactness.BIT_EXACT:
            got = digests(bench, candidate)
            row["unequal"] = sum(a != b for a, b in zip(got, wanted, strict=True))
            row["passed"] = not row["unequal"]
        else:
            request = ParityRequest(reference=reference, candidate=candidate)
            row |= gated(bench.engine, bench.clip, request)
            row["in_fp32"] = gated(
                exact, bench.clip, replace(request, exactness=Exactness.ROUNDING)
            )
            if any(toggle_of(item).stage is Stage.PREPROCESS for item in differing(*sides)):
                found_max = input_difference(exact, bench.clip, *sides)
                row["input_max"] = found_max
                row["input_passed"] = found_max <= INPUT_ROUNDING
        row["not_in_effect"] = [
            f"{state.name}: {state.reason}"
            for state in bench.engine.info.toggles
            if state.requested != state.effective
        ]
        found[name] = row | {"seconds": round(time.perf_counter() - start, 1)}
        print(name, json.dumps(found[name]), flush=True)
    exact.close()
    return found


def input_difference(
    engine: CudaEngine, frames: Sequence[Frame], a: Optimizations, b: Optimizations
) -> float:
    """Return the largest difference of any value of the network input, fp32, over all frames."""
    kept: list[torch.Tensor] = []
    largest = 0.0
    for side, wanted in enumerate((a, b)):
        # One slot, so that its buffer holds the input of the frame that was just collected.
        engine.configure(replace(wanted, depth=1, early_relaunch=False))
        for index, frame in enumerate(frames):
            engine.submit(frame, THRESHOLD)
            engine.collect()
            found = engine._sets.place(0)[1].network_input  # noqa: SLF001
            if side:
                largest = max(largest, float((found - kept[index]).abs().max()))
            else:
                kept.append(found.clone())
            # Slots do not wait for this stream: the next frame would be in the copy.
            torch.cuda.current_stream().synchronize()
    return largest


def gated(engine: CudaEngine, frames: Sequence[Frame], request: ParityRequest) -> dict[str, object]:
    """Return what the gate says of both settings of `engine`."""
    return outcome(run_parity(engine, frames, request, lambda *step: None, threshold=THRESHOLD))


def check_forms(bench: Bench) -> dict[str, object]:
    """Compare both forms of the network by the gate with rfdetr's own module in fp32."""
    own = Optimizations(depth=1, fused_network=False)
    exact = make_engine("fp32")
    found: dict[str, object] = {}
    sides = {
        "fp32 fused": (exact, Optimizations(depth=1)),
        "fp16 fused": (bench.engine, Optimizations(depth=2)),
        "fp16 traced": (bench.engine, Optimizations(depth=2, fused_network=False)),
    }
    # Another engine: two sides of one engine would take its slots from each other.
    reference = make_engine("fp32")
    for name, (engine, chosen) in sides.items():
        result = compare_sides(
            Side(reference, own),
            Side(engine, chosen),
            bench.clip,
            lambda *step: None,
            threshold=THRESHOLD,
        )
        found[name] = outcome(result)
        print(name, "against fp32 traced", result.passed, result.verdict, flush=True)
    exact.close()
    reference.close()
    return found


def check_precisions(bench: Bench) -> dict[str, object]:
    """Compare each precision with fp32 by the gate, over every frame; bare network times."""
    exact = make_engine("fp32")
    # Its graphs must be captured before another engine allows tf32 for the whole process.
    exact.submit(bench.clip[0], THRESHOLD)
    exact.collect()
    exact.replay_backend(50)
    found: dict[str, object] = {"fp32": {"network_ms": median_ms(exact)}}
    for precision in ("tf32", "bf16"):
        engine = make_engine(precision)
        other = Side(engine)
        result = compare_sides(
            Side(exact), other, bench.clip[::4], lambda *step: None, threshold=THRESHOLD
        )
        found[precision] = {"network_ms": median_ms(engine), **outcome(result)}
        print(precision, found[precision], flush=True)
        engine.close()
    exact.close()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    return found


def median_ms(engine: object) -> float:
    """Return the bare network's time a frame."""
    times = sorted(engine.replay_backend(150))  # type: ignore[attr-defined]
    return round(times[len(times) // 2], 4)


def digests(bench: Bench, chosen: Optimizations) -> list[bytes]:
    """Return one hash a frame of all that was found in the clip."""
    engine, found = bench.engine, []
    engine.configure(chosen)
    for frame in bench.clip:
        while not engine.make_room():
            found.append(digest(engine.collect().detections))
        engine.submit(frame, THRESHOLD)
    while engine.in_flight:
        found.append(digest(engine.collect().detections))
    return found


def outcome(result: ParityResult) -> dict[str, object]:
    """Return a gate's result for the JSON."""
    return {
        name: round(value, 5) if isinstance(value, float) else value
        for name, value in asdict(result).items()
        if name not in {"worst_png", "failures"}
    } | {"failures": list(result.failures)[:3]}
