"""bench --ceilings: how fast each part could go alone, and which one binds the whole path."""

import shlex
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from statistics import median

from rfviewer import log
from rfviewer.bench import Blocks, Report, looping_session
from rfviewer.config import Settings
from rfviewer.errors import EngineError, SourceError
from rfviewer.experiment import CeilingsRequest, CeilingsResult
from rfviewer.frame import Frame
from rfviewer.interfaces import Engine, FrameSource, RecordingRequest, SinkContext
from rfviewer.lab.ceilings import Probes
from rfviewer.lab.run import LabParts, run_experiment
from rfviewer.lab.stand import Stopped
from rfviewer.listing import hardware
from rfviewer.render.host import HostRenderer
from rfviewer.session.local import LocalSession
from rfviewer.sinks.factory import make_sinks
from rfviewer.snapshot import Snapshot
from rfviewer.sources.factory import open_source
from rfviewer.version import versions

ROUNDS = 5
"""Blocks of the whole path, of which the first one is warm-up."""
_BLOCK = 8
"""Frames of such a block, at least."""
_BLOCK_S = 0.6
"""Length of a block of a fast path."""
_FRAMES = 8
"""Frames that the parts are measured with."""
_TIMEOUT_S = 1800.0


def ceilings(
    source: str,
    settings: Settings,
    *,
    seconds: float = 2.0,
    watch: Callable[[str], None] = lambda _: None,
) -> Report:
    """Measure and return the report; blocks for about a minute.

    Args:
        source: a file, or anything that plays from the start again; live sources are refused.
        settings: engine and view to measure.
        seconds: length of each measurement.
        watch: told what is going on, for a progress line.

    Raises:
        RfviewerError: one sentence.
    """
    with tempfile.TemporaryDirectory(prefix="rfviewer-bench-") as folder:
        whole, alone = (
            RecordingRequest(video=Path(folder) / f"{name}.mp4", audio=False)
            for name in ("whole", "alone")
        )
        with looping_session(source, settings, whole, watch) as (session, stop):
            last, rates = _whole_path(session, watch, stop.is_set)

            def progress(step: str, index: int, count: int) -> None:
                del index, count
                watch(step)
                if stop.is_set():
                    raise Stopped

            def measure(engine: Engine) -> CeilingsResult:
                request = CeilingsRequest(target=settings.optimizations, seconds=seconds)
                probes = _probes(source, settings, last, alone, median(rates))
                parts = LabParts(settings.view, HostRenderer(), probes)
                result = run_experiment(engine, _frames(source), request, parts, progress)
                assert isinstance(result, CeilingsResult)  # as was asked for
                return result

            result = session.run_on_engine(measure).result(_TIMEOUT_S)
            return _report(result, last)


def _whole_path(
    session: LocalSession, watch: Callable[[str], None], stopped: Callable[[], bool]
) -> tuple[Snapshot, list[float]]:
    """Return the last state, and the rates of the whole path, drawing and encoding included."""
    blocks = Blocks(session, stopped)
    watch("Warming up")
    opened = blocks.run_pipeline(0)
    if opened.source is None or opened.source.live or not opened.source.seekable:
        raise SourceError("A bench needs a file that can be played again; choose a file.")
    last = blocks.run_pipeline(_BLOCK)
    # Of a fast path more frames: what waits for the encoder at the end of a block must not weigh.
    frames = max(_BLOCK, round(blocks.rates[-1] * _BLOCK_S)) if blocks.rates else _BLOCK
    blocks.forget()
    for number in range(1, ROUNDS):
        watch(f"The whole path, block {number} of {ROUNDS - 1}")
        last = blocks.run_pipeline(frames)
    if not blocks.rates:
        raise EngineError("The whole path gave no results; see the log.")
    return last, blocks.rates


def _probes(
    source: str,
    settings: Settings,
    last: Snapshot,
    recording: RecordingRequest,
    running_fps: float,
) -> Probes:
    info, engine = last.source, last.engine.info
    if info is None or engine is None:
        raise EngineError("The engine or the source has gone; see the log.")
    context = SinkContext(info, engine.class_names)

    def opened_again() -> FrameSource:
        with log.told_elsewhere(log.source):
            return open_source(source, settings.playback.decode.for_files)

    return Probes(
        open_source=opened_again,
        source=info,
        open_sink=lambda: make_sinks(recording, context)[0],
        running_fps=running_fps,
    )


def _frames(source: str) -> list[Frame]:
    with log.told_elsewhere(log.source), closing(open_source(source)) as opened:
        found = [opened.read() for _ in range(_FRAMES)]
    return [frame for frame in found if frame is not None]


def _report(result: CeilingsResult, last: Snapshot) -> Report:
    info, source = last.engine.info, last.source
    if info is None or source is None:
        raise EngineError("The engine or the source has gone; see the log.")
    return {
        **asdict(result),
        "input": f"{source.name} {source.width}x{source.height} {source.codec}".strip(),
        "model": info.model,
        "backend": info.backend,
        "device": info.device,
        "precision": info.precision,
        "toggles": {state.name: state.effective for state in info.toggles},
        "hardware": hardware(),
        "versions": versions(),
        "command": log.redact(shlex.join(["rfviewer", *sys.argv[1:]])),
    }


def table(report: Report) -> str:
    """Return the report for people."""
    lines = [f"{report['input']} -> {report['model']} on {report['backend']} ({report['device']})"]
    found = report["ceilings"]
    assert isinstance(found, tuple | list)  # made by `ceilings`
    for one in found:
        fps = one["fps"]
        value = f"{one['reason']}" if fps is None else f"{fps:10.1f} frames/s"
        lines.append(f"{one['name']:<40} {value}")
    lines.append(f"{'the whole path':<40} {report['running_fps']:10.1f} frames/s")
    lines.append(f"verdict: {report['verdict']}")
    return "\n".join(lines)
