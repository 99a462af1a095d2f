"""The suite's figures of several frames a pass: rates against one a pass, and the gate."""

import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace

from suite_checks import outcome
from suite_figures import ROUNDS, demo_file, held, run
from suite_parts import THRESHOLD, Bench, fed

from rfviewer.engine.cuda.engine import CudaEngine
from rfviewer.experiment import ParityRequest
from rfviewer.frame import Frame
from rfviewer.lab.parity import run_parity
from rfviewer.optimizations import Optimizations

FRAMES_A_PASS = (1, 2, 4, 8)
DEPTHS = (1, 2, 3)
_REPLAYS = 120


def micro_batch(bench: Bench) -> dict[str, object]:
    """Return rates, the bare network's times and the gate against one frame a pass."""
    found = {"rates": rates(bench), "gate": gates(bench)}
    return {"form": bench.engine.info.backend_reason, **found}  # as configured by the parts


def rates(bench: Bench) -> dict[str, object]:
    """Return the engine's rate by depth and frames a pass, median and range over rounds.

    `of_one` is the ratio to one frame a pass at the same depth in the same round.
    """
    engine = bench.engine
    kinds: dict[str, tuple[int, Callable[[], Iterator[Frame]]]] = {
        **{f"312x176 depth {depth}": (depth, lambda: held(engine, bench.clip)) for depth in DEPTHS},
        "312x176 file, depth 3": (3, lambda: fed(engine, demo_file())),
    }
    found: dict[str, list[dict[str, float]]] = {}
    bare_us: dict[int, list[float]] = {frames: [] for frames in FRAMES_A_PASS}
    for turn in range(ROUNDS + 1):  # the first one captures and warms up
        for name, (depth, source) in kinds.items():
            one = 0.0
            for frames in FRAMES_A_PASS:
                row = _rate(engine, bench.clip[0], depth, frames, source())
                one = row if frames == 1 else one
                if turn:
                    values = {"fps": row, "of_one": row / one}
                    found.setdefault(f"{name}, {frames} a pass", []).append(values)
                    bare_us[frames] += [1e3 * ms for ms in engine.replay_backend(_REPLAYS)[10:]]
        print(
            "round", turn, {key: round(each[-1]["fps"]) for key, each in found.items()}, flush=True
        )
    return {
        "bare_us_per_frame": {str(k): round(statistics.median(v), 1) for k, v in bare_us.items()},
        "rows": {name: _summary(each) for name, each in found.items()},
    }


def _rate(
    engine: CudaEngine, first: Frame, depth: int, frames: int, source: Iterator[Frame]
) -> float:
    engine.configure(Optimizations(depth=depth, micro_batch=frames))
    state = next(item for item in engine.info.toggles if item.name == "micro_batch")
    if state.effective != frames:
        raise RuntimeError(f"{frames} frames a pass are not in effect: {state.reason}")
    engine.submit(first, THRESHOLD)
    engine.collect()  # slots and memory are of the right size from here on
    return run(engine, source, drawn=False)["fps"]


def _summary(values: list[dict[str, float]]) -> dict[str, object]:
    row: dict[str, object] = {}
    for name, digits in (("fps", 1), ("of_one", 3)):
        each = [value[name] for value in values]
        row[name] = round(statistics.median(each), digits)
        row[f"{name}_range"] = [round(min(each), digits), round(max(each), digits)]
    return row


def gates(bench: Bench) -> dict[str, object]:
    """Compare every frame of the clip with one a pass, by the gate of the toggle's promise."""
    found: dict[str, object] = {}
    reference = Optimizations(depth=1)
    for frames in FRAMES_A_PASS[1:]:
        candidate = replace(Optimizations(depth=2), micro_batch=frames)
        request = ParityRequest(reference=reference, candidate=candidate)
        result = run_parity(
            bench.engine, bench.clip, request, lambda *step: None, threshold=THRESHOLD
        )
        row = outcome(result)
        found[f"{frames} a pass"] = row
        print(f"{frames} a pass", json.dumps(row), flush=True)
    return found
