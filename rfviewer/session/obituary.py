"""What is told when the engine process has ended or is given up: one sentence, one snapshot."""

import signal
import time
from dataclasses import replace
from pathlib import Path

from rfviewer.config import Policy, Settings
from rfviewer.experiment import LabStatus
from rfviewer.interfaces import RecordingRequest
from rfviewer.sinks.names import free_path
from rfviewer.snapshot import (
    EnginePhase,
    EngineStatus,
    PlayState,
    RecordingStatus,
    Snapshot,
)


def why_ended(exit_code: int | None) -> str:
    """Return why a process ended that was not asked to."""
    if exit_code is not None and exit_code < 0:
        return (
            f"The engine process ended unexpectedly (killed by {signal.Signals(-exit_code).name})"
        )
    return f"The engine process ended unexpectedly (exit code {exit_code})"


def what_next(cause: str, deaths: int, *, again: bool) -> str:
    """Return the whole sentence: the cause, and what happens or what the user can do."""
    cause = cause.rstrip(".")
    if again:
        return f"{cause}; it is started again where it was."
    times = f"{deaths} times in a row" if deaths > 1 else "once more"
    remedy = "press Restart, or choose another backend"
    if "999" in cause or "unknown error" in cause:
        # After suspend the driver may need its module loaded anew (pytorch issue 88639).
        remedy = "restart the computer, or as root: modprobe -r nvidia_uvm; modprobe nvidia_uvm"
    return f"{cause}; this happened {times}, so it is not started again: {remedy}."


def failed_snapshot(last: Snapshot | None, settings: Settings, sentence: str) -> Snapshot:
    """Return `last` with everything marked as failed."""
    base = last or _first_snapshot(settings)
    return replace(
        base,
        sequence=base.sequence + 1,
        time_ns=time.monotonic_ns(),
        state=PlayState.FAILED,
        error=sentence,
        engine=EngineStatus(EnginePhase.FAILED, sentence),
        recording=cut_off(base.recording),
        lab=cut_short(base.lab),
        live=None,
        samples=(),
        notices=(("error", sentence),),
    )


def cut_off(recording: RecordingStatus | None) -> RecordingStatus | None:
    """Return a recording that ended with its process."""
    if recording is None or not recording.active:
        return recording
    kept = "The recording stopped with the engine process; its partial file is kept"
    kept += "." if recording.partial is None else f" as {recording.partial}."
    return replace(recording, active=False, error=kept)


def cut_short(lab: LabStatus | None) -> LabStatus | None:
    """Return an experiment that ended with its process."""
    if lab is None or not lab.active:
        return lab
    return replace(lab, active=False, error="The experiment ended with the engine process.")


def what_is_kept(recording: RecordingStatus | None) -> str:
    """Return what has become of the recording of a child that was replaced."""
    if recording is not None and recording.error:
        return recording.error
    path = None if recording is None else recording.video or recording.labels
    where = "" if path is None else f" in {path}"
    return f"The recording ended with the engine process; what was recorded is{where or ' kept'}."


def continued(request: RecordingRequest) -> RecordingRequest:
    """Return how a live recording goes on after its process died: in new files beside the old."""

    def beside(path: Path | None) -> Path | None:
        return None if path is None else free_path(path.with_stem(f"{path.stem}-continued"))

    return replace(
        request,
        video=beside(request.video),
        labels=beside(request.labels),
        coco=beside(request.coco),
        overwrite=False,
    )


def _first_snapshot(settings: Settings) -> Snapshot:
    return Snapshot(
        sequence=0,
        time_ns=time.monotonic_ns(),
        state=PlayState.FAILED,
        engine=EngineStatus(EnginePhase.FAILED),
        engine_config=settings.engine,
        optimizations=settings.optimizations,
        view=settings.view,
        playback=settings.playback,
        policy=Policy.EVERY_FRAME,
    )
