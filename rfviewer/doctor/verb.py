"""The doctor verb: every check in order, for people or as JSON.

Looks and never touches: no camera is opened, no torch imported, nothing built.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict

from rfviewer.doctor import floors, packages, storage, system
from rfviewer.doctor.check import Check, Status
from rfviewer.errors import RfviewerError
from rfviewer.extras import install_command

CHECKS: dict[str, Callable[[], Check]] = {
    "python": system.python,
    "qt": system.qt,
    "display": system.display,
    "video": packages.ffmpeg,
    "codecs": packages.codecs,
    "ffmpeg_flaws": floors.ffmpeg_flaws,
    "opencv": packages.opencv,
    "onnxruntime": packages.onnx_runtime,
    "driver": system.nvidia,
    "cuda": system.cuda,
    "decoding": system.decoding,
    "torch": packages.torch,
    "tensorrt": packages.tensorrt,
    "triton": packages.triton,
    "models": packages.models_extra,
    "libraries": floors.libraries,
    "cameras": system.cameras,
    "cache": storage.cache,
    "recordings": storage.recordings,
    "unfinished": storage.interrupted,
    "logs": storage.logs,
}
"""Checks by the key that --json prints; keys stay what they are."""


def run(*, as_json: bool) -> int:
    """Run every check and print; return 1 only when something stops the viewer."""
    checks = dict(zip(CHECKS, collect(), strict=True))
    failed = any(check.status is Status.MISSING for check in checks.values())
    if as_json:
        listed = [{"key": key, **asdict(check)} for key, check in checks.items()]
        _print(json.dumps({"ok": not failed, "checks": listed}))
    else:
        for check in checks.values():
            _print(f"{check.status:<8} {check.name:<16} {check.detail}")
            if check.fix:
                _print(f"{'':<25} -> {check.fix}")
    return 1 if failed else 0


def collect() -> list[Check]:
    """Return the outcome of every check, in the order of `CHECKS`."""
    return [_guarded(key, check) for key, check in CHECKS.items()]


def _guarded(key: str, check: Callable[[], Check]) -> Check:
    """Run one check; a broken package is a finding and not the end of the doctor."""
    try:
        return check()
    except (ImportError, OSError, RfviewerError) as error:
        fix = f"{install_command()}, with the option --force-reinstall"
        return Check(key, Status.MISSING, str(error), fix)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
