"""The ab verb: two sets of optimizations in alternating blocks, or the waterfall between them."""

import argparse
import json
import shlex
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack

import cv2

from rfviewer.argument_values import count
from rfviewer.compose import build_engine
from rfviewer.config import Settings
from rfviewer.errors import EngineError, SourceError, UsageError
from rfviewer.experiment import AbRequest, AbResult, Effect, WaterfallRequest, WaterfallResult
from rfviewer.exporting import stop_on_signals
from rfviewer.frame import Frame
from rfviewer.frames_text import frames_text
from rfviewer.interfaces import FrameSource, Progress
from rfviewer.lab.describe import PAIRED, describe_set
from rfviewer.lab.record import outcome_record
from rfviewer.lab.run import LabParts, run_experiment
from rfviewer.lab.stand import Stopped
from rfviewer.lab.statistics import ROUNDS_ALONE, rounds_needed
from rfviewer.listing import hardware
from rfviewer.log import redact
from rfviewer.optimizations import Optimizations, off_value, on_value, toggle_of
from rfviewer.parity_verb import parse_set
from rfviewer.pipeline.recent import MAX_BYTES, MAX_FRAMES
from rfviewer.progress_lines import StatusLine
from rfviewer.render.host import HostRenderer
from rfviewer.result import EngineInfo
from rfviewer.sources.factory import open_source
from rfviewer.version import versions


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what only this verb takes."""
    sets = "name=value,... upon --set; or baseline, or default"
    parser.add_argument(
        "--toggle",
        metavar="NAMES",
        default="",
        help="optimizations, listed below, that A has off and B on, with commas between",
    )
    parser.add_argument("--a", metavar="SET", default="", help=f"{sets} (default: baseline)")
    parser.add_argument("--b", metavar="SET", default="", help=f"{sets} (default: as --set says)")
    few = f"a waterfall needs {ROUNDS_ALONE} to name an effect, A/B {rounds_needed(4)} or more"
    parser.add_argument(
        "--rounds",
        type=count,
        default=0,
        metavar="N",
        help=f"rounds to measure (default: until the outcome is clear, for some minutes); {few}",
    )
    parser.add_argument(
        "--waterfall",
        action="store_true",
        help="measure every optimization alone, removed from all, and one after another",
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Measure, print the outcome and return the exit code.

    Raises:
        RfviewerError: one sentence; nothing was measured.
    """
    request = request_of(options, settings.optimizations)
    # As a session does it: OpenCV's own threads would compete with the network's.
    cv2.setNumThreads(1)
    with ExitStack() as stack:
        source = open_source(options.source)
        stack.callback(source.close)
        frames = record(source)
        stop = stack.enter_context(stop_on_signals())
        line = StatusLine(quiet=options.quiet)
        stack.callback(line.close)
        tell = _teller(stop, line)
        engine = build_engine(settings.engine, settings.optimizations, tell)
        stack.callback(engine.close)
        if isinstance(request, AbRequest):
            refuse_what_cannot_run(toggles_of(options), engine.info)
        parts = LabParts(settings.view, HostRenderer())
        result = run_experiment(engine, frames, request, parts, tell)
        info = engine.info
    assert isinstance(result, AbResult | WaterfallResult)  # as was asked for
    size = f"{frames[0].width}x{frames[0].height}"
    report = outcome_record(
        request,
        result,
        info,
        source=f"{source.info.name} {size} {source.info.codec}".strip(),
        recorded_frames=len(frames),
        hardware=hardware(),
        versions=versions(),
        command=redact(shlex.join(["rfviewer", *sys.argv[1:]])),
    )
    sys.stdout.write((json.dumps(report) if options.json else _text(result, report)) + "\n")
    sys.stdout.flush()
    return 0


def request_of(options: argparse.Namespace, target: Optimizations) -> AbRequest | WaterfallRequest:
    """Return what is asked for, `target` being the set of the settings.

    Raises:
        UsageError: it contradicts itself.
    """
    names = toggles_of(options)
    if options.toggle and not names:
        raise UsageError(f"--toggle takes names with commas between, got {options.toggle}.")
    frames, rounds = options.frames or 0, options.rounds
    if options.waterfall:
        if options.a:
            raise UsageError("A waterfall starts at the baseline; leave --a out.")
        for name in names:
            _counts(name)  # raises with the names there are
        target = parse_set(options.b, target)
        return WaterfallRequest(target=target, names=names, frames=frames, rounds=rounds)
    if names:
        if options.a or options.b:
            raise UsageError("Say either --toggle, or --a and --b.")
        off, on = target, target
        for name in names:
            off = off.set(name, 1 if _counts(name) else "off")
            on = _switched_on(on, name)
        return AbRequest(a=off, b=on, frames=frames, rounds=rounds)
    a = parse_set(options.a, target) if options.a else Optimizations.baseline()
    return AbRequest(a=a, b=parse_set(options.b, target), frames=frames, rounds=rounds)


def toggles_of(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the optimizations that --toggle names."""
    return tuple(name.strip() for name in options.toggle.split(",") if name.strip())


def refuse_what_cannot_run(names: Sequence[str], info: EngineInfo) -> None:
    """Fail where none of the optimizations `names` can run, before minutes go by for nothing.

    Raises:
        EngineError: with the reasons.
    """
    states = [state for state in info.toggles if state.name in names]
    if not states or any(state.available for state in states):
        return
    reasons = "; ".join(f"{state.name}: {state.reason}" for state in states)
    raise EngineError(f"Nothing can be compared, since it cannot run here: {reasons}.")


def _counts(name: str) -> bool:
    Optimizations().set(name, 1)  # raises with the names there are
    return bool(toggle_of(name).choices)


def _switched_on(target: Optimizations, name: str) -> Optimizations:
    """Return `target` with a switch on; a number that is on stays what it is."""
    value = getattr(target, name)
    return target.set(name, on_value(name) if value == off_value(name) else value)


def record(source: FrameSource) -> list[Frame]:
    """Return the first frames of a source, of one size: what both sides are measured on.

    Raises:
        SourceError: it has none.
    """
    frames: list[Frame] = []
    while len(frames) < MAX_FRAMES:
        frame = source.read()
        if frame is None or (frames and frame.image_shape != frames[0].image_shape):
            break
        frames.append(frame)
        if len(frames) * frame.nbytes > MAX_BYTES:
            break
    if not frames:
        raise SourceError(f"{source.info.name} gave no frame; choose another source.")
    return frames


def _teller(stop: threading.Event, line: StatusLine) -> Progress:
    def tell(step: str, index: int, count: int) -> None:
        del index, count  # the words hold them
        if stop.is_set():
            raise Stopped
        line(step)

    return tell


def _text(result: AbResult | WaterfallResult, report: dict[str, object]) -> str:
    """Return the result for people."""
    where = f"{report['backend']} ({report['device']}, {report['precision']})"
    lines = [f"{report['input']} -> {report['model']} on {where}"]
    lines += _ab_lines(result) if isinstance(result, AbResult) else _waterfall_lines(result)
    lines += [f"note: {note}" for note in result.notes]
    return "\n".join([*lines, f"verdict: {result.verdict}"])


def _ab_lines(result: AbResult) -> list[str]:
    lines = [f"A  {describe_set(result.a)}", f"B  {describe_set(result.b)}"]
    lines.append(f"{'':<12} {'A p50':>9} {'p95':>9} {'B p50':>9} {'p95':>9}   B - A (95 %)")
    for effect in (*result.stages, result.throughput):
        values = (effect.a, effect.a_p95, effect.b, effect.b_p95)
        cells = " ".join(f"{'' if value is None else f'{value:.3f}':>9}" for value in values)
        lines.append(f"{effect.quantity:<12} {cells}   {_change(effect)}")
    counted = f"{result.blocks} blocks of {frames_text(result.frames)} a side"
    excluded = f", {result.excluded} frames left out: the GPU was throttled" * bool(result.excluded)
    return [*lines, counted + excluded, PAIRED]


def _waterfall_lines(result: WaterfallResult) -> list[str]:
    head = ("alone", "removed from all", "in turn")
    lines = [f"{'frame time, ms':<18} " + " ".join(f"{text:>26}" for text in head)]
    for step in result.steps:
        cells = [_change(one) for one in (step.alone, step.removed, step.cumulative)]
        lines.append(f"{step.name:<18} " + " ".join(f"{cell:>26}" for cell in cells))
    return [*lines, f"{'all together':<18} {_change(result.whole):>26}"]


def _change(effect: Effect) -> str:
    star = "*" if effect.significant else " "
    low, high = effect.interval.low, effect.interval.high
    return f"{effect.difference:+.3f} ({low:+.3f} {high:+.3f}){star}"
