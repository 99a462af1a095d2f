"""The options that several verbs or the window take: what each is called and what its help says."""

import argparse
import textwrap
from pathlib import Path

from rfviewer.argument_values import count, number, positive, seconds, whole_number
from rfviewer.config import BACKEND_NAMES, PRECISIONS, Policy, ResizeMode, View
from rfviewer.optimizations import toggle_names

SWITCHES = "optimizations for --set, and --toggle of ab:\n" + textwrap.fill(
    f"{', '.join(toggle_names())}; docs/TOGGLES.md tells what each does",
    width=96,
    initial_indent="  ",
    subsequent_indent="  ",
    break_on_hyphens=False,
)
"""The list that helps end with wherever optimizations are taken."""

_MODEL = "name from `rfviewer models`, .onnx or .pth; none for no network (default: demo)"
_THRESHOLD = f"keep scores above T, 0..1 (default: {View().threshold:g})"


def window_options(parser: argparse.ArgumentParser) -> None:
    """Add what only the window takes."""
    parser.add_argument(
        "--theme", choices=("system", "light", "dark"), help="colours, for this run"
    )
    parser.add_argument("--loop", action="store_true", help="start over at the end")
    parser.add_argument("--start", type=seconds, metavar="S", help="start at second S")
    parser.add_argument(
        "--policy",
        choices=[str(item) for item in Policy],
        help="when the network is slower than the video: every frame waits for its own masks, or "
        "the video keeps its pace with the newest masks (default: every-frame for files, "
        "keep-pace for live sources)",
    )
    parser.add_argument("--safe-mode", action="store_true", help="default settings, on the CPU")
    parser.add_argument("--in-process", action="store_true", help="engine in the window's process")
    parser.add_argument(
        "--quit-after", type=seconds, metavar="S", help="close the window by itself after S seconds"
    )
    parser.add_argument(
        "--screenshot",
        type=Path,
        metavar="PNG",
        help="with --quit-after: save a picture of the window before it closes",
    )


def export_options(parser: argparse.ArgumentParser) -> None:
    """Add what only `export` takes."""
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT.mp4",
        help="annotated video; at least one output is needed",
    )
    parser.add_argument("--labels", type=Path, metavar="F.jsonl", help="one JSON object a frame")
    parser.add_argument("--coco", type=Path, metavar="F.json", help="COCO annotations")
    parser.add_argument("--start", type=seconds, metavar="S", help="start at second S")
    parser.add_argument("--end", type=seconds, metavar="S", help="end before second S")
    parser.add_argument(
        "--classes", metavar="A,B", help="keep only these names or ids, e.g. person,2"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    parser.add_argument("--no-audio", action="store_true", help="leave the sound out")


def soak_options(parser: argparse.ArgumentParser) -> None:
    """Add what only `soak` takes."""
    parser.add_argument("source", metavar="SOURCE", help="see rfviewer --help")
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--minutes", type=positive, default=10.0, metavar="N", help="play so long; 10 if not given"
    )
    length.add_argument("--cycles", type=count, metavar="N", help="open the source N times instead")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


def engine_options(parser: argparse.ArgumentParser) -> None:
    """Add what every verb takes that runs a network."""
    group = parser.add_argument_group("engine")
    group.add_argument("--model", metavar="M", help=_MODEL)
    group.add_argument("--backend", choices=BACKEND_NAMES, help="what runs the network")
    group.add_argument("--precision", choices=PRECISIONS, help="numbers that it computes with")
    group.add_argument("--threshold", type=number, metavar="T", help=_THRESHOLD)
    group.add_argument(
        "--resize",
        choices=[str(item) for item in ResizeMode],
        help="how a frame becomes the network input: A as RFDETR.predict() (default), B "
        "antialiased, as in training",
    )
    group.add_argument("--threads", type=whole_number, metavar="N", help="host threads; 0 chooses")
    group.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="name=value",
        help="optimizations, listed below, e.g. --set depth=1 roi_masks=off, behind SOURCE; "
        "all=off is the reference path",
    )
    group.add_argument(
        "--nvtx",
        action="store_true",
        help="ranges for NVIDIA's profilers: around each stage, or the graph that holds them",
    )
    group.add_argument(
        "--config", type=Path, metavar="FILE", help="settings file, in place of your own"
    )
