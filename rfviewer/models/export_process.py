"""Runs a worker, such as the export to ONNX, as a child process and passes its progress on."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from rfviewer import log
from rfviewer.errors import ModelError, RfviewerError
from rfviewer.interfaces import Progress
from rfviewer.models import export_worker

_POLL_S = 0.2
_STDOUT, _STDERR = "worker.jsonl", "worker.log"


def run_export(
    arguments: Sequence[str], folder: Path, progress: Progress, python: str
) -> dict[str, Any]:
    """Run the worker and return what it says about the network; blocks until it ends.

    Args:
        arguments: the worker's own, as in its `main`.
        folder: an existing empty folder that receives model.onnx and the worker's output.
        progress: called at least five times a second; may raise to give up, which ends the child.
        python: interpreter that has the `models` extra.

    Raises:
        ModelError: one sentence from the worker, or that it died.
    """
    command = [python, "-P", str(Path(export_worker.__file__)), "--output", str(folder)]
    return run_worker(
        [*command, *arguments],
        folder,
        progress,
        first=("Starting PyTorch", 1, 4),
        what="The export to ONNX",
        error_class=ModelError,
    )


def run_worker(
    command: Sequence[str],
    folder: Path,
    progress: Progress,
    *,
    first: tuple[str, int, int],
    what: str,
    error_class: type[RfviewerError],
) -> dict[str, Any]:
    """Run a worker that speaks the JSON lines of `export_worker.Reporter`; return its result.

    Args:
        command: program and arguments.
        folder: an existing folder that receives the worker's output.
        progress: called at least five times a second; may raise to give up, which ends the child.
        first: the step that is told until the worker tells one.
        what: the work, as the start of a sentence.
        error_class: what to raise, with one sentence from the worker, or that it died.
    """
    # Files and not pipes: nothing fills up, no thread is needed to read, and Windows works alike.
    with (
        (folder / _STDOUT).open("wb") as stdout,
        (folder / _STDERR).open("wb") as stderr,
        (folder / _STDOUT).open("r", encoding="utf-8") as lines,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr) as child,
    ):
        try:
            result = _follow(child, lines, progress, first, error_class)
        finally:
            if child.poll() is None:
                child.kill()
    if result is not None:
        return result
    tail = (folder / _STDERR).read_text(encoding="utf-8", errors="replace")[-4000:]
    log.model.error("the worker ended with code %s:\n%s", child.returncode, tail)
    raise error_class(
        f"{what} stopped unexpectedly (code {child.returncode}); the log says more."
        " Often the memory is not enough: close other programs and try again."
    )


def _follow(
    child: "subprocess.Popen[bytes]",
    lines: TextIO,
    progress: Progress,
    first: tuple[str, int, int],
    error_class: type[RfviewerError],
) -> dict[str, Any] | None:
    """Pass messages on until the child ends; return its result, None when it gave none."""
    last = first
    result: dict[str, Any] | None = None
    running = True
    pending = ""
    while running:
        try:
            child.wait(_POLL_S)
            running = False
        except subprocess.TimeoutExpired:
            pass
        pending += lines.read()
        *complete, pending = pending.split("\n")
        for message in _messages(complete):
            if "error" in message:
                raise error_class(str(message["error"]))
            if "done" in message:
                result = message["done"]
            else:
                last = (str(message["step"]), int(message["index"]), int(message["count"]))
                progress(*last)
        progress(*last)
    return result


def _messages(lines: Sequence[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line:
            yield json.loads(line)


def this_python() -> str:
    """Return the interpreter that runs the viewer, which has the extra if anything has."""
    return sys.executable
