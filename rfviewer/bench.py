"""The bench verb: the whole export path against the bare backend, in one run, block by block.

One round is a block of frames through the pipeline (decode, preprocess, network, postprocess,
drawing, H.264) and then as many runs of the bare network on a prepared input. Rounds alternate, so
that a machine that warms up or is shared disturbs both alike. The first round is warm-up and is not
counted. Rates are medians over the rounds.
"""

import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rfviewer.compose import batch_session
from rfviewer.config import Settings
from rfviewer.errors import EngineError, RfviewerError, SourceError
from rfviewer.exporting import (
    batch_playback,
    check_before_loading,
    stop_on_signals,
    wait_for_engine,
)
from rfviewer.interfaces import RecordingRequest
from rfviewer.listing import hardware
from rfviewer.resident_memory import Memory, peak_rss_bytes
from rfviewer.result import asked_in_vain
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import EnginePhase, FrameSample, PlayState, Snapshot
from rfviewer.timing import Stage, rounded_percentiles
from rfviewer.version import versions

ROUNDS = 9
"""Counted rounds: many short ones, so that a disturbance falls on both kinds of block."""
_BLOCK_S = 1.5
"""Length of a block where the number of frames is not given."""
_MIN_BLOCK = 4
_TICK_S = 0.02
"""How often a block looks whether it is done; seldom, since looking costs time too."""
_BLOCK_TIMEOUT_S = 300.0
_STOP_S = 0.2
"""How long a signal may go unnoticed while the bare network runs."""

type Report = dict[str, object]
"""The object that `--json` prints."""


def bench(
    source: str,
    settings: Settings,
    *,
    frames: int | None = None,
    watch: Callable[[str], None] = lambda _: None,
) -> Report:
    """Measure and return the report; blocks for about half a minute.

    Args:
        source: a file, or anything that plays from the start again; live sources are refused.
        settings: engine and view to measure.
        frames: frames to count in all; None takes about a second and a half per block.
        watch: told what is going on, for a progress line.

    Raises:
        RfviewerError: one sentence.
    """
    with tempfile.TemporaryDirectory(prefix="rfviewer-bench-") as folder:
        recording = RecordingRequest(video=Path(folder) / "bench.mp4", audio=False)
        with looping_session(source, settings, recording, watch) as (session, stop):
            return _measure(session, frames, watch, stop.is_set)


@contextmanager
def looping_session(
    source: str, settings: Settings, recording: RecordingRequest, watch: Callable[[str], None]
) -> Iterator[tuple[LocalSession, threading.Event]]:
    """Give a session that has loaded its engine and opened `source`, paused, looping and recorded.

    The event is set by the signals that end a program.

    Raises:
        RfviewerError: one sentence.
    """
    check_before_loading(source, recording)
    with stop_on_signals() as stop:
        session = batch_session(settings)
        try:
            watch("Loading the network")
            wait_for_engine(session, lambda snapshot: _tell_loading(snapshot, watch), stop)
            playback = replace(batch_playback(settings.playback), loop=True, paused=True)
            session.start_recording(recording)
            session.open(source, playback)
            yield session, stop
        finally:
            session.close(finish_pass=True)


def _tell_loading(snapshot: Snapshot, watch: Callable[[str], None]) -> None:
    status = snapshot.engine
    if status.phase is EnginePhase.LOADING and status.step:
        watch(status.step)


def _measure(
    session: LocalSession,
    frames: int | None,
    watch: Callable[[str], None],
    stopped: Callable[[], bool],
) -> Report:
    block = Blocks(session, stopped)
    watch("Warming up")
    opened = block.run_pipeline(0)
    source = opened.source
    if source is None or source.live or not source.seekable:
        raise SourceError("A bench needs a file that can be played again; choose a file.")
    for _ in range(2):
        block.run_pipeline(_MIN_BLOCK)
    rate = block.rates[-1] if block.rates else 1.0
    counts = [max(_MIN_BLOCK, round(_BLOCK_S * rate))] * ROUNDS
    if frames is not None:
        counts = blocks_of(frames)
    has_network = opened.engine.info is not None and opened.engine.info.input_wh != (0, 0)
    if has_network:
        block.run_backend(min(counts[0], 50))
    block.forget()
    last = opened
    for number, count in enumerate(counts, start=1):
        watch(f"Round {number} of {len(counts)}: {count} frames, then the bare network")
        last = block.run_pipeline(count)
        if has_network:
            block.run_backend(count)
    return {**_report(block, last), "frames_asked_for": frames, "rounds": len(counts)}


def blocks_of(frames: int) -> list[int]:
    """Return the frames of each round, `frames` in all: few frames make few rounds."""
    rounds = min(ROUNDS, max(1, frames // 2))
    small, rest = divmod(frames, rounds)
    return [small + (number < rest) for number in range(rounds)]


class Blocks:
    """Runs blocks and keeps what they measured. Once `stopped` says so, every wait ends at once."""

    def __init__(self, session: LocalSession, stopped: Callable[[], bool]) -> None:
        self._session = session
        self._stopped = stopped
        self.forget()

    def forget(self) -> None:
        """Drop what was measured so far."""
        self.rates: list[float] = []
        self.backend_rates: list[float] = []
        self.samples: list[FrameSample] = []
        self.memory = Memory([])

    def run_pipeline(self, count: int) -> Snapshot:
        """Let about `count` new frames through, down to the encoder; note their rate.

        Time runs from the permission until the last frame is written. While held back, the engine
        has computed some frames ahead: that many more are let through, and only those computed
        within the block count. `count` 0 waits for the first frame of the source instead.

        Raises:
            RfviewerError: the source or the engine failed, or it was stopped.
        """
        start = self._session.poll()
        written = 0 if start is None or start.recording is None else start.recording.frames
        allowed = count + _computed_ahead(start) if count else 1
        begun_ns = time.monotonic_ns()
        if count:
            self._session.step(allowed)
        samples: list[FrameSample] = []
        while True:
            snapshot = self._session.poll()
            now_ns = time.monotonic_ns()
            assert snapshot is not None  # a local session always has a state
            samples += snapshot.samples
            self._check(snapshot)
            self.memory.note(now_ns / 1e9, snapshot.rss_bytes)
            if snapshot.recording is not None and snapshot.recording.frames >= written + allowed:
                break
            if now_ns - begun_ns > _BLOCK_TIMEOUT_S * 1e9:
                raise EngineError(f"{allowed} frames took more than {_BLOCK_TIMEOUT_S:.0f} s.")
            self._check_stopped()
            time.sleep(_TICK_S)
        fresh = [sample for sample in samples if sample.done_time_ns > begun_ns]
        if fresh:
            elapsed_s = (_end_ns(fresh, now_ns) - begun_ns) / 1e9
            # Where the encoder binds, frames that wait for it were not carried through.
            carried = min(len(fresh), snapshot.recording.frames - written)
            self.rates.append(carried / elapsed_s)
        # Frames that were computed ahead of the next block are in the rate, but not asked for.
        self.samples += fresh[: count or None]
        return snapshot

    def run_backend(self, count: int) -> None:
        """Replay the bare network and note its rate.

        Raises:
            RfviewerError: the engine failed, or it was stopped.
        """
        begun_s = time.monotonic()
        replayed = self._session.run_on_engine(lambda engine: engine.replay_backend(count))
        while not wait([replayed], _STOP_S).done:
            self._check_stopped()
            if time.monotonic() - begun_s > _BLOCK_TIMEOUT_S:
                raise EngineError(f"{count} passes took more than {_BLOCK_TIMEOUT_S:.0f} s.")
        durations_ms = replayed.result()
        self.backend_rates.append(1000 * len(durations_ms) / sum(durations_ms))

    def _check_stopped(self) -> None:
        if self._stopped():
            raise EngineError("Stopped; an incomplete measurement is not reported.")

    def _check(self, snapshot: Snapshot) -> None:
        errors = [text for severity, text in snapshot.notices if severity == "error"]
        if snapshot.state is PlayState.FAILED:
            raise SourceError(snapshot.error)
        if snapshot.engine.phase is EnginePhase.FAILED:
            raise EngineError(snapshot.engine.step)
        if errors:
            raise RfviewerError(errors[0])


def _computed_ahead(snapshot: Snapshot | None) -> int:
    """Return how many frames a held-back engine computes ahead: those in flight, and one held."""
    info = None if snapshot is None else snapshot.engine.info
    return 1 + (1 if info is None else info.frames_in_flight)


def _end_ns(samples: Sequence[FrameSample], seen_ns: int) -> int:
    """Return when the last frame of a block was written, given when that was seen.

    What was seen is up to a tick late. The result's time plus drawing and encoding is exact unless
    the encoder lags behind; then what was seen counts.
    """
    newest = samples[-1].timings.stages_ms
    after_ms = newest.get(Stage.RENDER, 0.0) + newest.get(Stage.SINK, 0.0)
    expected_ns = samples[-1].done_time_ns + round(after_ms * 1e6)
    return expected_ns if seen_ns - expected_ns < 2 * _TICK_S * 1e9 else seen_ns


def _report(block: Blocks, last: Snapshot) -> Report:
    info, source = last.engine.info, last.source
    if info is None or source is None:
        raise EngineError("The engine or the source has gone; see the log.")
    pipeline_fps, backend_fps = _median(block.rates), _median(block.backend_rates)
    ratio = round(pipeline_fps / backend_fps, 3) if pipeline_fps and backend_fps else None
    return {
        "pipeline_fps": pipeline_fps,
        "pipeline_fps_p25_p75": rounded_percentiles(block.rates, 0.25, 0.75),
        "backend_fps": backend_fps,
        "backend_fps_p25_p75": rounded_percentiles(block.backend_rates, 0.25, 0.75),
        "pipeline_per_backend": ratio,
        "latency_ms": _quantiles([sample.timings.latency_ms for sample in block.samples]),
        "stages_ms": _stages(block.samples),
        "detections_per_frame": round(
            statistics.fmean(sample.detections for sample in block.samples), 2
        ),
        "peak_rss_mb": round(peak_rss_bytes() / 1e6, 1),
        "rss_slope_mb_per_min": block.memory.slope_mb_per_min(),
        "frames": len(block.samples),
        "backend": info.backend,
        "device": info.device,
        "precision": info.precision,
        "model": info.model,
        "resize": str(info.resize),
        "network_input": f"{info.input_wh[0]}x{info.input_wh[1]}",
        "input": f"{source.name} {source.width}x{source.height} {source.codec}".strip(),
        "toggles": {state.name: state.effective for state in info.toggles},
        "not_in_effect": asked_in_vain(info.toggles),
        "hardware": hardware(),
        "versions": versions(),
        "measures": "decode, preprocess, network, postprocess, drawing and H.264 encoding",
    }


def _stages(samples: Sequence[FrameSample]) -> dict[str, dict[str, float | None]]:
    durations: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        for stage, duration_ms in sample.timings.stages_ms.items():
            durations[str(stage)].append(duration_ms)
    return {stage: _quantiles(values) for stage, values in durations.items()}


def _quantiles(values: list[float]) -> dict[str, float | None]:
    p50, p95 = rounded_percentiles(values, 0.5, 0.95)
    return {"p50": p50, "p95": p95}


def _median(rates: Sequence[float]) -> float | None:
    return round(statistics.median(rates), 3) if rates else None
