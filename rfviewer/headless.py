"""Runs the verbs that need no window: progress on stderr, the result on stdout."""

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from rfviewer.config import Settings
from rfviewer.errors import UsageError
from rfviewer.exporting import ExportReport, export
from rfviewer.frames_text import frames_are, frames_text
from rfviewer.interfaces import RecordingRequest
from rfviewer.log import redact
from rfviewer.progress_bar import progress_bar
from rfviewer.progress_lines import ProgressLines, step_teller
from rfviewer.sinks.factory import wrong_request
from rfviewer.snapshot import EnginePhase, Snapshot

_STAGE_ORDER = ("capture", "preprocess", "infer", "postprocess", "render", "sink")


def run(verb: str, options: argparse.Namespace, settings: Settings) -> int:
    """Run "export" or "bench" as parsed by the command line; return the exit code."""
    return _export(options, settings) if verb == "export" else _bench(options, settings)


def _export(options: argparse.Namespace, settings: Settings) -> int:
    recording = RecordingRequest(
        video=options.output,
        labels=options.labels,
        coco=options.coco,
        overwrite=options.overwrite,
        audio=not options.no_audio,
        command=redact(shlex.join(["rfviewer", *sys.argv[1:]])),
    )
    if not (recording.video or recording.labels or recording.coco):
        raise UsageError("Nothing to write; name a file with -o, --labels or --coco.")
    wrong = wrong_request(recording)
    if wrong:
        raise UsageError(wrong)
    classes = [name for name in (options.classes or "").split(",") if name.strip()]
    if options.classes is not None and not classes:
        raise UsageError("--classes names no class; write names or ids with commas between.")
    with _progress(quiet=options.quiet) as watch:
        report = export(options.source, settings, recording, classes=classes, watch=watch)
    if options.json:
        _print(json.dumps(asdict(report)))
    else:
        _print(_sentence(report))
    if report.stopped:
        sys.stderr.write(f"rfviewer: {_stopped(report)}\n")
        return 1
    return 0


def _sentence(report: ExportReport) -> str:
    files = ", ".join(name for name in (report.output, report.labels, report.coco) if name)
    how = f"with {report.model} on {report.backend} ({report.device})"
    if report.backend == "none":
        how = "without a network"
    text = (
        f"{frames_text(report.frames_out)}, {report.detections} detections,"
        f" {report.fps:g} frames/s {how}: {files or 'nothing written'}"
    )
    return f"{text}\n{report.notice}" if report.notice else text


def _stopped(report: ExportReport) -> str:
    kept = report.output or report.labels or report.coco
    if not kept:
        return "Stopped before the first frame; nothing was written."
    return f"Stopped; {frames_are(report.frames_out)} kept in {kept}."


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[Snapshot], None]]:
    """Show a bar on stderr while the block runs; without a terminal a line now and then."""
    if quiet or not sys.stderr.isatty():
        lines = ProgressLines(quiet=quiet)
        yield lambda snapshot: lines(_line(snapshot))
        return
    with progress_bar(percent=False) as tell:

        def watch(snapshot: Snapshot) -> None:
            if snapshot.engine.phase is EnginePhase.LOADING:
                tell(snapshot.engine.step, None, None)
                return
            frames = 0 if snapshot.recording is None else snapshot.recording.frames
            rate = snapshot.inferred_fps
            text = "Exporting" if rate is None else f"Exporting, {rate:.1f} frames/s"
            tell(text, frames, _total(snapshot))

        yield watch


def _line(snapshot: Snapshot) -> str:
    """Return how far an export is, e.g. "43 of 538 frames, 3.9 a second"."""
    if snapshot.engine.phase is EnginePhase.LOADING:
        return snapshot.engine.step
    frames = 0 if snapshot.recording is None else snapshot.recording.frames
    total = _total(snapshot)
    rate = "" if snapshot.inferred_fps is None else f", {snapshot.inferred_fps:.1f} a second"
    return f"{frames} frames{rate}" if total is None else f"{frames} of {total} frames{rate}"


def _total(snapshot: Snapshot) -> int | None:
    """Return how many frames will be written; None when nobody knows."""
    playback, source = snapshot.playback, snapshot.source
    known = None
    if source is not None and source.frame_count and not playback.start_s and not playback.end_s:
        known = source.frame_count
    totals = [total for total in (playback.max_frames, known) if total is not None]
    return min(totals) if totals else None


def _bench(options: argparse.Namespace, settings: Settings) -> int:
    from rfviewer.bench import bench

    watch = step_teller(quiet=options.quiet)
    if options.ceilings:
        from rfviewer.ceilings_verb import ceilings, table

        found = ceilings(options.source, settings, watch=watch)
        _print(json.dumps(found) if options.json else table(found))
        return 0
    report = bench(options.source, settings, frames=options.frames, watch=watch)
    _print(json.dumps(report) if options.json else _table(report))
    return 0


def _table(report: dict[str, object]) -> str:
    """Return the report for people."""
    how = (
        f"{report['model']} {report['network_input']} on {report['backend']}"
        f" ({report['device']}, {report['precision']}), resize {report['resize']}"
    )
    lines = [
        f"{report['input']} -> {'no network' if report['backend'] == 'none' else how}",
        f"pipeline  {_rate(report, 'pipeline_fps')}   {report['measures']}",
        f"backend   {_rate(report, 'backend_fps')}   the bare network on a prepared input",
        f"pipeline / backend  {report['pipeline_per_backend'] or 'not measured'}",
    ]
    stages, in_vain = report["stages_ms"], report["not_in_effect"]
    assert isinstance(stages, dict)  # both made by bench
    assert isinstance(in_vain, list)
    lines += [*in_vain, "stage            p50 ms     p95 ms"]
    ordered = sorted(stages, key=lambda name: [*_STAGE_ORDER, name].index(name))
    lines += [f"{s:<12} {stages[s]['p50']:>10} {stages[s]['p95']:>10}" for s in ordered]
    slope = report["rss_slope_mb_per_min"]
    slope_text = "not measured" if slope is None else f"{slope} MB/min"
    lines.append(f"memory: peak {report['peak_rss_mb']} MB, slope {slope_text}")
    rounds, frames = report["rounds"], report["frames"]
    assert isinstance(frames, int)  # as above
    lines.append(f"{rounds} round{'s' * (rounds != 1)}, {frames_text(frames)}, after warm-up")
    return "\n".join(lines)


def _rate(report: dict[str, object], name: str) -> str:
    low_high = report[f"{name}_p25_p75"]
    if report[name] is None or not isinstance(low_high, list):
        return "not measured"
    return f"{report[name]:>8} frames/s  (p25-p75 {low_high[0]}-{low_high[1]})"


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
