"""The parity verb: the same frames through two settings, backends or precisions, and the verdict.

Every frame is decoded once. Exit code 1 when the two differ by more than the gate allows.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

import cv2

from rfviewer.compose import build_engine, save_comparison
from rfviewer.config import BACKEND_NAMES, PRECISIONS, EngineConfig, ResizeMode, Settings
from rfviewer.errors import SinkError, SourceError, UsageError
from rfviewer.experiment import ParityResult
from rfviewer.frame import Frame
from rfviewer.interfaces import FrameSource, Progress
from rfviewer.lab.describe import describe_set
from rfviewer.lab.parity import Side, compare_sides, effective
from rfviewer.lab.tolerance import differing, purpose_of
from rfviewer.lab.worst_frame import WorstFrame, WorstFrames
from rfviewer.log import redact
from rfviewer.optimizations import Optimizations
from rfviewer.progress_bar import progress_bar
from rfviewer.progress_lines import ProgressLines, counted
from rfviewer.result import EngineInfo
from rfviewer.sinks.names import free_path
from rfviewer.sources.factory import open_source
from rfviewer.toggle import Exactness
from rfviewer.version import version, versions, versions_text
from rfviewer.writable_folder import check_writable

MAX_PICTURES = 5
"""Pictures of the worst frames that `--save` writes."""
_SETS = {"baseline": Optimizations.baseline(), "default": Optimizations()}
_OWN = ("model", "backend", "precision", "resize")
"""Options that each side may have for itself."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what only this verb takes."""
    sets = "name=value,... upon --set; or baseline, or default"
    parser.add_argument("--reference", metavar="SET", default="baseline", help=sets)
    parser.add_argument("--candidate", metavar="SET", default="", help=sets)
    for side in ("reference", "candidate"):
        parser.add_argument(f"--{side}-model", metavar="M", help=f"model of the {side} only")
        parser.add_argument(f"--{side}-backend", choices=BACKEND_NAMES)
        parser.add_argument(f"--{side}-precision", choices=PRECISIONS)
        parser.add_argument(f"--{side}-resize", choices=[str(item) for item in ResizeMode])
    parser.add_argument(
        "--exactness",
        choices=[str(item) for item in Exactness],
        help="promise to check, see docs/TOGGLES.md; else what the difference promises",
    )
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="pictures of the worst frames")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Compare, print the outcome and return the exit code.

    Raises:
        RfviewerError: one sentence; it could not be compared.
    """
    base = settings.optimizations
    sets = [parse_set(text, base) for text in (options.reference, options.candidate)]
    configs = [_config(options, side, settings.engine) for side in ("reference", "candidate")]
    # As a session does it: OpenCV's own threads would compete with the network's.
    cv2.setNumThreads(1)
    worst = WorstFrames(MAX_PICTURES)
    with ExitStack() as stack:
        source = open_source(options.source)
        stack.callback(source.close)
        if source.info.live and not options.frames:
            raise SourceError("A live source has no end; say how many frames with --frames.")
        if options.save is not None:
            stack.push(_make_folder(options.save))
        with _progress(quiet=options.quiet) as progress:
            sides = _sides(configs, sets, progress, stack)
            infos = tuple(_prepared(side) for side in sides)
            result = compare_sides(
                *sides,
                islice(_frames(source), options.frames),
                progress,
                exactness=None if options.exactness is None else Exactness(options.exactness),
                threshold=settings.view.threshold,
                worst=worst,
                total=_total(source, options.frames),
            )
    titles = _titles(infos, sets)
    report = {
        **asdict(result),
        "source": source.info.uri,
        "threshold": settings.view.threshold,
        "reference": _side_report(infos[0]),
        "candidate": _side_report(infos[1]),
        "notes": _notes(infos, sets),
        "software": f"rfviewer {version()}",
        "versions": versions(),
        "command": redact(shlex.join(["rfviewer", *sys.argv[1:]])),
    }
    saved = _save(options.save, worst.frames, infos[0], titles, report)
    report |= {"saved": saved, "worst_png": saved[0] if saved else None}
    text = json.dumps(report) if options.json else _text(result, titles, report)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return 0 if result.passed else 1


def parse_set(text: str, base: Optimizations) -> Optimizations:
    """Return the set that `text` describes: names, or name=value upon `base`, with commas between.

    Raises:
        UsageError: it cannot be understood.
    """
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, separator, value = item.partition("=")
        if separator:
            base = base.set(name, value)
        elif name in _SETS:
            base = _SETS[name]
        else:
            raise UsageError(f"A set is name=value,... or baseline or default, got {item}.")
    return base


def _config(options: argparse.Namespace, side: str, base: EngineConfig) -> EngineConfig:
    values = {name: getattr(options, f"{side}_{name}") for name in _OWN}
    if values["resize"] is not None:
        values["resize"] = ResizeMode(values["resize"])
    return replace(base, **{name: value for name, value in values.items() if value is not None})


def _sides(
    configs: Sequence[EngineConfig],
    sets: Sequence[Optimizations],
    progress: Progress,
    stack: ExitStack,
) -> tuple[Side, Side]:
    """Return both sides, on one engine where only switches differ."""
    engine = build_engine(configs[0], sets[0], progress)
    stack.callback(engine.close)
    if configs[0] == configs[1]:
        return Side(engine, sets[0]), Side(engine, sets[1])
    other = build_engine(configs[1], sets[1], progress)
    stack.callback(other.close)
    return Side(engine), Side(other)


def _prepared(side: Side) -> EngineInfo:
    side.prepare()
    return side.engine.info


def _frames(source: FrameSource) -> Iterator[Frame]:
    while (frame := source.read()) is not None:
        yield frame


def _total(source: FrameSource, frames: int | None) -> int:
    return min(filter(None, (frames, source.info.frame_count)), default=0)


def _make_folder(folder: Path) -> Callable[..., None]:
    """Make a folder that takes files; return the exit that removes it again after an error.

    Raises:
        SinkError: it cannot be made or written.
    """
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_writable(folder)
    except OSError as error:
        raise SinkError(
            f"The folder {folder} cannot be made or written ({error.strerror}); choose another one."
        ) from error

    def undo(kind: type[BaseException] | None, *_: object) -> None:
        if new and kind is not None:
            with suppress(OSError):  # somebody else has put something there
                folder.rmdir()

    return undo


def _save(
    folder: Path | None,
    worst: Sequence[WorstFrame],
    info: EngineInfo,
    titles: tuple[str, str],
    report: Mapping[str, object],
) -> list[str]:
    """Write the pictures; return their paths, the worst frame's first."""
    saved = []
    metadata = {name: str(report[name]) for name in ("software", "command", "source", "verdict")}
    metadata["versions"] = versions_text()
    for item in () if folder is None else worst:
        assert folder is not None
        path = free_path(folder / f"frame_{item.frame.frame_index:06d}.png")
        save_comparison(path, item, info.class_names, titles, metadata)
        saved.append(str(path))
    return saved


def _side_report(info: EngineInfo) -> dict[str, object]:
    return {
        "model": info.model,
        "backend": info.backend,
        "device": info.device,
        "precision": info.precision,
        "resize": str(info.resize),
        "optimizations": {state.name: state.effective for state in info.toggles},
    }


def _notes(infos: Sequence[EngineInfo], sets: Sequence[Optimizations]) -> list[str]:
    """Return what the reader must know to weigh the verdict."""
    notes = []
    refused = [
        f"{state.name}: {state.reason}"
        for state in infos[1].toggles
        if state.effective != state.requested
        and getattr(sets[0], state.name) != getattr(sets[1], state.name)
    ]
    same = not differing(effective(infos[0]), effective(infos[1]))
    if same and _identity(infos[0]) == _identity(infos[1]):
        notes.append("Reference and candidate are the same in effect.")
    if refused:
        notes.append(f"Not compared, since they cannot run here: {'; '.join(refused)}.")
    return notes


def _identity(info: EngineInfo) -> tuple[str, ...]:
    return info.model, info.backend, info.device, info.precision, str(info.resize)


def _titles(infos: Sequence[EngineInfo], sets: Sequence[Optimizations]) -> tuple[str, str]:
    """Return what each side is: its engine where those differ, and its switches as requested."""
    same = _identity(infos[0]) == _identity(infos[1])
    first, second = (
        ("" if same else f"{info.model}, {info.backend} {info.precision}, resize {info.resize}: ")
        + describe_set(wanted)
        for info, wanted in zip(infos, sets, strict=True)
    )
    return first, second


def _text(result: ParityResult, titles: tuple[str, str], report: Mapping[str, object]) -> str:
    """Return the outcome for people."""
    lines = [
        f"{'PASS' if result.passed else 'FAIL'}  {result.gate}  {result.verdict}",
        f"gate       {purpose_of(result.gate)}",
        f"reference  {titles[0]}",
        f"candidate  {titles[1]}",
        f"pairs {result.pairs}, class changes {result.flips}, missing {result.missing},"
        f" extra {result.extra}, near the threshold {result.soft}",
        f"boxes   max {result.box_max_px:.4g} px, p99 {result.box_p99_px:.4g},"
        f" mean {result.box_mean_px:.4g}",
        f"scores  max {result.score_max:.3g}",
    ]
    if result.iou_min is not None and result.iou_mean is not None:
        lines.append(f"masks   IoU min {result.iou_min:.5f}, mean {result.iou_mean:.6f}")
    lines += [f"  {sentence}" for sentence in result.failures]
    for name in ("notes", "saved"):
        values = report[name]
        assert isinstance(values, list)  # made by run
        lines += values
    return "\n".join(lines)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Progress]:
    """Show a bar on stderr while the block runs; without a terminal a line now and then."""
    if quiet or not sys.stderr.isatty():
        lines = ProgressLines(quiet=quiet, at_once=True)
        yield lambda step, index, count: lines(counted(step, index, count))
        return
    with progress_bar(percent=True) as tell:
        yield lambda step, index, count: tell(step, index, count or None)
