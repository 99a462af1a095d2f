"""Everything a GPU machine can prove and measure, in one run; one JSON file.

    PYTHONPATH=.:kernels:packaging python packaging/gpu/suite.py OUT.json [--parts tests,figures]

Parts, run in the order given: `tests` (kernels and engine on the device), `kernels` (times
against the roofline), `toggles` (each switch against all on, every frame of the demo clip),
`figures` (rates against the bare network, interleaved), `traced` (the same with the traced
network), `forms` and `precisions` (each against fp32, by the gate), `choice` (fp16 and the switches
that round, by the gate, with the reference's choice of queries; how far the choices lie apart),
`batch` (the bare network with several frames a pass), `micro_batch` (the engine with several frames
a pass: rates, and the gate against one), `rfdetr` (its own `predict`), and the lab's own:
`waterfall`, `ab` (the baseline against everything on) and `honesty` (how often an A/B is right);
`lab` stands for these three.

The file is written after every part; a part that fails is noted and the others go on. Tables:
`make_tables.py`.
"""

import argparse
import json
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import torch
import triton
from suite_batches import micro_batch
from suite_checks import check_forms, check_precisions, check_toggles, run_tests
from suite_choice import check_choice
from suite_figures import figures
from suite_lab import ab, lab_honesty, waterfall
from suite_network import batches, predict_of_rfdetr, time_kernels
from suite_parts import Bench
from timing import ceilings

type Part = Callable[[Bench], object]

PARTS: dict[str, Part] = {
    "tests": lambda bench: run_tests(),
    "kernels": lambda bench: time_kernels(),
    "toggles": check_toggles,
    "figures": lambda bench: figures(bench, fused=True),
    "traced": lambda bench: figures(bench, fused=False),
    "forms": check_forms,
    "precisions": check_precisions,
    "choice": check_choice,
    "batch": lambda bench: batches(),
    "micro_batch": micro_batch,
    "rfdetr": predict_of_rfdetr,
    "waterfall": waterfall,
    "ab": ab,
    "honesty": lab_honesty,
}
GROUPS = {"lab": ("waterfall", "ab", "honesty")}


def hardware() -> dict[str, object]:
    """Return what this is measured on, with its own limits."""
    properties = torch.cuda.get_device_properties(0)
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, check=True)
    return {
        "gpu": properties.name,
        "multiprocessors": properties.multi_processor_count,
        "driver": answer.stdout.strip(),
        "torch": torch.__version__,
        "triton": triton.__version__,
        "python": sys.version.split()[0],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "limits": ceilings(),
    }


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated")
    arguments = parser.parse_args()
    words = arguments.parts.split(",")
    names = [name for word in words for name in GROUPS.get(word, (word,))]
    unknown = set(names) - set(PARTS)
    if unknown:
        parser.error(
            f"no part {', '.join(sorted(unknown))}; known are {', '.join([*PARTS, *GROUPS])}"
        )
    report: dict[str, object] = {
        "command": f"python packaging/gpu/suite.py OUT.json --parts {','.join(names)}",
        "hardware": hardware(),
    }
    seconds: dict[str, float] = {}
    failures: dict[str, str] = {}
    bench = Bench()
    for name in names:
        start = time.perf_counter()
        try:
            report[name] = PARTS[name](bench)
        except Exception as error:  # noqa: BLE001 - the other parts still count
            traceback.print_exc()
            failures[name] = f"{type(error).__name__}: {error}"[:800]
        seconds[name] = round(time.perf_counter() - start, 1)
        report |= {"seconds": seconds, "failures": failures}
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        print(f"== {name}: {seconds[name]} s", failures.get(name, ""), flush=True)
    bench.close()
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
