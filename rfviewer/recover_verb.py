"""The recover verb: finish recordings that a crash or a power cut left behind."""

import argparse
import json
import os
import sys
from pathlib import Path

from rfviewer import paths
from rfviewer.argument_parser import Parser
from rfviewer.errors import RfviewerError, SinkError
from rfviewer.frames_text import frames_text
from rfviewer.sinks.recovery import Interrupted, delete, find_interrupted, recover
from rfviewer.sinks.running import RunningFiles


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of `rfviewer recover`."""
    parser = Parser(
        prog="rfviewer recover",
        description="Finish recordings and exports that were cut off. They are found wherever they"
        " lie, and in the videos folder. Nothing is ever replaced.",
        allow_abbrev=False,
    )
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="look here only")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--list", action="store_true", help="only list them")
    action.add_argument("--delete", action="store_true", help="remove them for good")
    parser.add_argument("--verbose", action="store_true", help="tell more on stderr")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    return parser


def run(options: argparse.Namespace) -> int:
    """Recover, list or delete; return 1 when one of the files could not be finished.

    Raises:
        RfviewerError: the folder does not exist or cannot be read.
    """
    running = RunningFiles.of_user()
    folder: Path | None = options.folder
    if folder is not None and not folder.is_dir():
        raise RfviewerError(f"There is no folder {folder}; check the name.")
    if folder is not None:
        _check_readable(folder)
    found = find_interrupted(running, [folder or paths.videos_dir()], kept=True, empty=True)
    if folder is not None:
        found = [one for one in found if one.path.parent == folder.absolute()]
    results = [_act(one, options, running) for one in found]
    failed = any(result.get("error") for result in results)
    if options.json:
        _print(json.dumps({"ok": not failed, "recordings": results}))
        return 1 if failed else 0
    for result in results:
        _print(_sentence(result))
    if not results:
        _print("No interrupted recording was found.")
    return 1 if failed else 0


def _check_readable(folder: Path) -> None:
    """Tell a folder that hides its recordings from one that holds none."""
    try:
        os.scandir(folder).close()
    except OSError as error:
        why = error.strerror or error
        raise RfviewerError(
            f"The folder {folder} cannot be read ({why}); change its permissions."
        ) from error


def _act(
    one: Interrupted, options: argparse.Namespace, running: RunningFiles | None
) -> dict[str, object]:
    """Do what was asked with one recording; return what --json prints about it."""
    report: dict[str, object] = {
        "partial": str(one.path),
        "output": "",
        "duration_s": None if one.duration_s is None else round(one.duration_s, 3),
        "frames": None,
        "bytes": one.size_bytes,
        "action": "list" if options.list else "delete" if options.delete else "recover",
        "notice": "",
        "error": "",
    }
    try:
        if options.delete:
            delete(one.path, running)
        elif not options.list:
            recovered = recover(one.path, running)
            report["output"] = str(recovered.path)
            report["frames"] = recovered.frames
            report["notice"] = recovered.notice
            if recovered.duration_s is not None:
                report["duration_s"] = round(recovered.duration_s, 3)
    except SinkError as error:
        report["error"] = str(error)
    return report


def _sentence(report: dict[str, object]) -> str:
    length = "" if report["duration_s"] is None else f", {report['duration_s']} s"
    if report["error"]:
        return f"failed     {report['error']}"
    if report["action"] == "list":
        return f"found      {report['partial']}{length}"
    if report["action"] == "delete":
        return f"deleted    {report['partial']}"
    assert isinstance(report["frames"], int)  # as recovered
    held = f"{report['output']}{length}, {frames_text(report['frames'])}"
    return f"recovered  {held}" + (f". {report['notice']}" if report["notice"] else "")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
