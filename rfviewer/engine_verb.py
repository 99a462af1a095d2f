"""The engine verb: build, list and remove the TensorRT engines of this user."""

import argparse
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path

from rfviewer.argument_parser import Parser
from rfviewer.engine.backends.tensorrt_module import TensorRtName, load_tensorrt
from rfviewer.engine.plans.build import PlanRequest, ensure_plan
from rfviewer.engine.plans.gpu import find_gpu
from rfviewer.engine.plans.key import GpuIdentity
from rfviewer.engine.plans.network_builder import check_target
from rfviewer.engine.plans.store import PlanManifest, clear_plans, list_plans
from rfviewer.errors import UsageError
from rfviewer.models.registry import resolve_model

_BUILD = "Build the TensorRT engine of a model, unless it is there."
_HELP = {"--verbose": "tell more on stderr", "--json": "print one JSON object on stdout"}


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of `rfviewer engine`."""
    parser = Parser(
        prog="rfviewer engine",
        description="Build, list and remove TensorRT engines. The viewer builds what it needs by"
        " itself; building beforehand only saves the wait.",
        allow_abbrev=False,
    )
    parser.add_argument("--verbose", action="store_true", help=_HELP["--verbose"])
    parser.add_argument("--json", action="store_true", help=_HELP["--json"])
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    build = actions.add_parser(
        "build", help="build one engine unless it is there", description=_BUILD
    )
    build.add_argument("--model", default="demo", metavar="M", help="as in `rfviewer --model`")
    build.add_argument("--backend", choices=("tensorrt", "tensorrt-rtx"), default="tensorrt-rtx")
    build.add_argument("--precision", choices=("auto", "fp32", "tf32", "fp16"), default="auto")
    build.add_argument(
        "--target", metavar="smNN", help="a GPU generation that is not here, e.g. sm89; RTX only"
    )
    actions.add_parser("list", help="list the engines that were built")
    actions.add_parser("clear", help="remove them all")
    for action in actions.choices.values():
        # Given after the action too; a default here would undo one given before it.
        for option in ("--verbose", "--json"):
            action.add_argument(
                option, action="store_true", default=argparse.SUPPRESS, help=_HELP[option]
            )
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the action and return the exit code.

    Raises:
        RfviewerError: one sentence.
    """
    if options.action == "build":
        return _build(options)
    return _list(options) if options.action == "list" else _clear(options)


def _build(options: argparse.Namespace) -> int:
    name: TensorRtName = options.backend
    if options.target is not None:
        _refuse_wrong_target(options.target, name)
    tensorrt = load_tensorrt(name)
    if options.target is None:
        gpu = find_gpu()
    else:
        check_target(tensorrt, options.target.upper())
        gpu = GpuIdentity.of_generation(options.target)
    teller = _Teller()
    spec = resolve_model(options.model, teller)
    request = PlanRequest(spec=spec, tensorrt=tensorrt, precision=options.precision, gpu=gpu)
    ready = ensure_plan(request, teller)
    report = {**_report(ready.plan.path, ready.plan.manifest), "built": ready.built}
    report["reason"] = ready.reason
    if options.json:
        _print(json.dumps(report))
        return 0
    state = "there already"
    if ready.built:
        state = f"built in {report['seconds']} s, since {ready.reason}"
    _print(f"{_line(ready.plan.manifest)}  {state}\n{ready.plan.path}")
    return 0


def _refuse_wrong_target(target: str, backend: str) -> None:
    """Refuse what no machine could build, before anything is loaded.

    Raises:
        UsageError: one sentence.
    """
    if not re.fullmatch(r"sm\d{2,3}", target):
        raise UsageError(f"--target takes a GPU generation such as sm89, got {target}.")
    if backend == "tensorrt":
        raise UsageError(
            "TensorRT builds only for the GPU of this machine; leave --target out, or choose"
            " --backend tensorrt-rtx."
        )


def _list(options: argparse.Namespace) -> int:
    found = list(list_plans())
    if options.json:
        _print(json.dumps({"engines": [_report(path, manifest) for path, manifest in found]}))
        return 0
    for _, manifest in found:
        _print(f"{_line(manifest)}  {manifest.created}")
    if not found:
        _print("No engine was built yet.")
    return 0


def _clear(options: argparse.Namespace) -> int:
    count, size = clear_plans()
    if options.json:
        _print(json.dumps({"removed": count, "bytes": size}))
    else:
        _print(f"Removed {count} engine{'' if count == 1 else 's'}, {size / 1e6:.0f} MB.")
    return 0


def _report(path: Path, manifest: PlanManifest) -> dict[str, object]:
    """Return one engine as the object that --json prints."""
    return {
        "model": manifest.model,
        "backend": manifest.key.backend,
        "backend_version": manifest.key.backend_version,
        "gpu": asdict(manifest.key.gpu),
        "precision": manifest.precision,
        "bytes": manifest.plan_bytes,
        "seconds": manifest.seconds,
        "created": manifest.created,
        "path": str(path),
    }


def _line(manifest: PlanManifest) -> str:
    key = manifest.key
    return (
        f"{manifest.model:<19} {key.backend} {key.backend_version}  {manifest.precision}"
        f"  {key.gpu.name} {key.gpu.sm}  {manifest.plan_bytes / 1e6:.0f} MB"
    )


class _Teller:
    """Tells every step once on stderr; the percentages within one are for the window."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, step: str, _index: int, _count: int) -> None:
        words = step.partition(":")[0]
        if words != self._last:
            self._last = words
            sys.stderr.write(words + "\n")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
