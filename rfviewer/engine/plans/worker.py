"""Child process that builds one engine, so that a crash of the builder stays out of the viewer.

Started by `build` with `python -P`, which keeps the current folder from shadowing a module. Speaks
the JSON lines of `models.export_worker.Reporter` on stdout and writes engine.plan into --output. It
ends by itself when its parent dies. Peak memory for the demo model: 0.85 GB.
"""

import argparse
import os
import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rfviewer.engine.backends.tensorrt_module import load_tensorrt
from rfviewer.engine.plans.network_builder import build_plan
from rfviewer.engine.plans.network_source import NetworkSource, load_network
from rfviewer.engine.plans.store import PLAN_FILE
from rfviewer.errors import EngineError, RfviewerError
from rfviewer.models.export_worker import Reporter
from rfviewer.models.onnx_external import locations_in


def main() -> int:
    """Build as the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--backend", choices=("tensorrt", "tensorrt-rtx"), required=True)
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--demo", type=Path)
    parser.add_argument("--precision", required=True)
    parser.add_argument("--target", default="")
    arguments = parser.parse_args()
    reporter = Reporter()
    try:
        reporter.done(_build(arguments, reporter))
    except RfviewerError as error:
        reporter.error(str(error))
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort of this process
        traceback.print_exc()
        detail = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        reporter.error(f"The engine of {arguments.onnx.name} cannot be built ({detail}).")
        return 1
    return 0


def _build(arguments: argparse.Namespace, reporter: Reporter) -> dict[str, Any]:
    started, parent = time.monotonic(), os.getppid()
    reporter.step(1, "Starting TensorRT")
    tensorrt = load_tensorrt(arguments.backend)
    reporter.step(2, "Reading the network")
    source = NetworkSource(onnx_path=arguments.onnx, demo_folder=arguments.demo)
    onnx_bytes, digest = _network_bytes(source, arguments.precision)

    def report(text: str) -> bool:
        reporter.step(3, text)
        return os.getppid() == parent  # nobody waits for an engine whose viewer has died

    reporter.step(3, "Building the engine")
    built = build_plan(tensorrt, onnx_bytes, arguments.precision, arguments.target, report)
    reporter.step(4, "Writing the engine")
    (arguments.output / PLAN_FILE).write_bytes(built.plan)
    return {
        "backend_version": tensorrt.version,
        "model_sha256": digest,
        "precision": built.precision,
        "inputs": [asdict(tensor) for tensor in built.inputs],
        "outputs": [asdict(tensor) for tensor in built.outputs],
        "seconds": time.monotonic() - started,
    }


def _network_bytes(source: NetworkSource, precision: str) -> tuple[bytes, str]:
    """Return (the ONNX model that the parser gets, digest of the files it was made of)."""
    try:
        from rfviewer.engine.plans.half_graph import to_half
    except ImportError as error:
        raise EngineError(
            f"Building an engine needs the onnx package ({error}); install it with:"
            " pip install onnx."
        ) from error
    model, digest = load_network(source)
    if precision == "fp16" and source.own_precision() != "fp16":
        model = to_half(model)
    data: bytes = model.SerializeToString()
    foreign = sorted(locations_in(data))
    if foreign:
        raise EngineError(
            f"{source.onnx_path} keeps data in {foreign[0]!r} that is not a weight of its graph;"
            " export the model again."
        )
    return data, digest


if __name__ == "__main__":
    sys.exit(main())
