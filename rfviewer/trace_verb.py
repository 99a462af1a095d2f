"""The trace verb: plays a source as an export does and writes when everything ran, for Perfetto."""

import argparse
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from rfviewer.argument_values import count, positive
from rfviewer.compose import batch_session, run_metadata
from rfviewer.config import Settings
from rfviewer.errors import EngineError, SourceError, UsageError
from rfviewer.exporting import (
    batch_playback,
    check_before_loading,
    stop_on_signals,
    wait_for_engine,
)
from rfviewer.frames_text import frames_are, frames_text
from rfviewer.interfaces import RecordingRequest
from rfviewer.lab.output_file import check_place
from rfviewer.lab.report import ReportData, latencies_ms, write_report
from rfviewer.lab.timeline import timeline_of
from rfviewer.lab.trace import QueueReading, write_trace
from rfviewer.listing import hardware
from rfviewer.log import redact
from rfviewer.progress_lines import ProgressLines, step_teller
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import EnginePhase, FrameSample, PlayState, Snapshot
from rfviewer.timing import percentile
from rfviewer.version import versions

DEFAULT_FRAMES = 120
WARM_UP_FRAMES = 3
"""Left out of the trace: buffers are made with the first frames."""
_TICK_S = 0.02


@dataclass(slots=True)
class _Recorded:
    """What the trace is made of."""

    samples: list[FrameSample] = field(default_factory=list)
    queues: list[QueueReading] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)
    """What the engine itself told, as the window plots it."""
    stopped: bool = False
    """Whether it was stopped before there was what had been asked for."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what only this verb takes."""
    parser.add_argument("source", metavar="SOURCE", help="see rfviewer --help")
    parser.add_argument("-o", "--output", type=Path, metavar="T.json", help="trace; .gz packs it")
    parser.add_argument("--html", type=Path, metavar="R.html", help="the report, to read anywhere")
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--frames", type=count, metavar="N", help=f"trace N frames; {DEFAULT_FRAMES} if not given"
    )
    length.add_argument(
        "--seconds",
        type=positive,
        metavar="S",
        help="trace for S seconds instead of a number of frames",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Trace, write the files and return the exit code.

    Raises:
        RfviewerError: one sentence; nothing was traced.
    """
    outputs: list[Path] = [path for path in (options.output, options.html) if path is not None]
    if not outputs:
        raise UsageError("Nothing to write; name a trace with -o or a report with --html.")
    for path in outputs:
        check_place(path, overwrite=options.overwrite)
    watch, lines = step_teller(quiet=options.quiet), ProgressLines(quiet=options.quiet)
    frames = options.frames if options.frames or options.seconds else DEFAULT_FRAMES
    recorded, last = _record(options.source, settings, frames, options.seconds, watch, lines)
    made_with = run_metadata(settings, last.source, last.engine.info)
    made_with["command"] = redact(shlex.join(["rfviewer", *sys.argv[1:]]))
    made_with["saved"] = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    machine, packages = hardware(), versions()
    if options.output is not None:
        every = {**made_with, **{f"{k}": str(v) for k, v in {**machine, **packages}.items()}}
        write_trace(
            options.output,
            recorded.samples,
            metadata=every,
            queues=recorded.queues,
            overwrite=options.overwrite,
        )
    if options.html is not None:
        info, source = last.engine.info, last.source
        data = ReportData(
            title=options.source if source is None else source.name,
            made_with=made_with,
            samples=recorded.samples,
            hardware=machine,
            versions=packages,
            toggles=() if info is None else info.toggles,
            device=last.device,
            source_fps=last.source_fps,
        )
        write_report(options.html, data, overwrite=options.overwrite)
    _tell(options, recorded, last)
    return 1 if recorded.stopped else 0


def _record(
    uri: str,
    settings: Settings,
    frames: int | None,
    length_s: float | None,
    watch: Callable[[str], None],
    lines: Callable[[str], None],
) -> tuple[_Recorded, Snapshot]:
    with tempfile.TemporaryDirectory(prefix="rfviewer-trace-") as folder:
        # Recorded, so that drawing and encoding have lanes too, and are thrown away.
        recording = RecordingRequest(video=Path(folder) / "trace.mp4", audio=False)
        check_before_loading(uri, recording)
        with stop_on_signals() as stop:
            session = batch_session(settings)
            try:
                watch("Loading the network")
                wait_for_engine(session, lambda snapshot: lines(snapshot.engine.step), stop)
                playback = replace(batch_playback(settings.playback), loop=True, max_frames=None)
                session.start_recording(recording)
                session.open(uri, playback)
                watch("Tracing")
                return _follow(session, frames, length_s, lines, stop.is_set)
            finally:
                session.close(finish_pass=True)


def _follow(
    session: LocalSession,
    frames: int | None,
    length_s: float | None,
    lines: Callable[[str], None],
    stopped: Callable[[], bool],
) -> tuple[_Recorded, Snapshot]:
    """Collect samples until there are enough, or the source ends."""
    recorded, skipped, begun_s = _Recorded(), 0, 0.0
    while True:
        time.sleep(_TICK_S)
        snapshot = session.poll()
        if snapshot is None:
            continue
        if snapshot.state is PlayState.FAILED:
            raise SourceError(snapshot.error)
        if snapshot.engine.phase is EnginePhase.FAILED:
            raise EngineError(snapshot.engine.step)
        fresh = list(snapshot.samples)
        warm_up = min(WARM_UP_FRAMES - skipped, len(fresh))
        skipped += warm_up
        recorded.samples += fresh[warm_up:]
        recorded.queues.append((snapshot.time_ns, snapshot.queues))
        if snapshot.device.gpu_idle is not None:
            recorded.idle.append(snapshot.device.gpu_idle)
        inferred = len(recorded.samples)
        lines(frames_text(inferred) if frames is None else f"{inferred} of {frames} frames")
        begun_s = begun_s or (time.monotonic() if recorded.samples else 0.0)
        enough = frames is not None and len(recorded.samples) >= frames
        long_enough = (
            begun_s > 0 and length_s is not None and time.monotonic() - begun_s >= length_s
        )
        done = enough or long_enough or snapshot.state is PlayState.ENDED
        if done or stopped():
            recorded.stopped = not done
            if not recorded.samples and recorded.stopped:
                raise EngineError("Stopped before a frame was inferred; nothing was written.")
            if not recorded.samples:
                raise SourceError("No frame was inferred, so there is nothing to trace.")
            recorded.samples = recorded.samples[: frames or None]
            return recorded, snapshot


def _tell(options: argparse.Namespace, recorded: _Recorded, last: Snapshot) -> None:
    """Print what was traced."""
    timeline = timeline_of(recorded.samples)
    samples = timeline.samples
    elapsed_ns = samples[-1].done_time_ns - samples[0].done_time_ns
    rate = (len(samples) - 1) * 1e9 / elapsed_ns if elapsed_ns > 0 else None
    idle, latency = timeline.device_idle(), latencies_ms(samples)["in the engine"]
    told = list(dict.fromkeys(recorded.idle))  # every reading once
    report = {
        "trace": str(options.output or ""),
        "html": str(options.html or ""),
        "frames": len(samples),
        "spans": len(timeline.pieces),
        "fps": None if rate is None else round(rate, 3),
        "latency_p50_ms": percentile(latency, 0.5),
        "slots_idle": None if idle is None else round(idle, 4),
        "engine_idle": round(sum(told) / len(told), 4) if told else None,
        "backend": "" if last.engine.info is None else last.engine.info.backend,
        "stopped": recorded.stopped,
    }
    if recorded.stopped:
        sys.stderr.write(f"rfviewer: Stopped; {frames_are(len(samples))} in the trace.\n")
    if options.json:
        sys.stdout.write(json.dumps(report) + "\n")
        return
    files = ", ".join(str(path) for path in (options.output, options.html) if path is not None)
    parts = [frames_text(len(samples)), f"{report['spans']} spans"]
    if rate is not None:
        parts.append(f"{rate:.2f} frames/s")
    if idle is not None:
        parts.append(f"slots idle {100 * idle:.1f} %")
    sys.stdout.write(f"{', '.join(parts)}: {files}\n")
    if options.output is not None:
        sys.stdout.write("Open the trace at ui.perfetto.dev or in chrome://tracing.\n")
