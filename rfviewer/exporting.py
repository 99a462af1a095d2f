"""The export verb: every frame of a source through the engine into files, without a window."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType

from rfviewer import log
from rfviewer.compose import batch_session
from rfviewer.config import Playback, Policy, Settings
from rfviewer.errors import EngineError, ModelError, SinkError, SourceError
from rfviewer.frame import SourceInfo, SourceKind
from rfviewer.frames_text import frames_are, frames_text
from rfviewer.interfaces import RecordingRequest, SinkContext
from rfviewer.precheck import is_address
from rfviewer.result import asked_in_vain
from rfviewer.session.local import LocalSession
from rfviewer.sinks.factory import make_sinks
from rfviewer.snapshot import EnginePhase, PlayState, Snapshot
from rfviewer.sources.factory import open_source

POLL_S = 0.05
CLOSE_S = 3.0
"""How long a session without open files may take to end."""
FINALISE_S = 120.0
"""How long finishing a file may take; a long video is copied once to become an ordinary MP4."""

SIGNAL_S = 5.0
"""How long that may take once a signal has asked for the end."""

RECONNECT_S = 30.0
"""How long an export waits for a live source that broke off, before it ends with what it has."""

_FROM_THE_START = Playback()

type Watcher = Callable[[Snapshot], None]
"""Told the state about twenty times a second, for a progress bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What an export did: the object that `--json` prints."""

    output: str
    """The video; empty when only labels were written."""
    labels: str
    coco: str
    frames_in: int
    """Frames that the source delivered."""
    frames_out: int
    """Frames written."""
    frames_damaged: int
    detections: int
    """Objects over all frames, after threshold and class filter."""
    duration_s: float
    """Length of what was written."""
    fps: float
    """Frames written per second of wall time, from opening the source to the finished file."""
    backend: str
    device: str
    model: str
    notice: str
    """What to know about the result, as sentences; empty when all is well."""
    stopped: bool
    """Whether it was stopped before the end; what was written is kept."""


def export(
    source: str,
    settings: Settings,
    recording: RecordingRequest,
    *,
    classes: Sequence[str] = (),
    watch: Watcher = lambda _: None,
) -> ExportReport:
    """Write the files of `recording` and return what happened; blocks until they are finished.

    SIGINT, SIGTERM and SIGHUP end it early, with what is written finalised; main thread only.

    Args:
        source: what `open_source` understands.
        settings: engine, view and playback; every frame is inferred, as fast as possible.
        recording: which files.
        classes: names or ids of the only classes to keep; empty keeps all.
        watch: told the state while it runs.

    Raises:
        RfviewerError: one sentence; nothing is left behind that looks like a finished file.
    """
    check_before_loading(source, recording, settings.playback)
    with stop_on_signals() as stop:
        session = batch_session(settings)
        close_s = CLOSE_S
        try:
            ready = wait_for_engine(session, watch, stop)
            if classes:
                names = () if ready.engine.info is None else ready.engine.info.class_names
                hidden = hidden_class_ids(classes, names)
                session.set_view(replace(settings.view, hidden_class_ids=hidden))
            started, close_s = time.monotonic(), FINALISE_S
            session.start_recording(recording)
            session.open(source, batch_playback(settings.playback))
            last, notices = _until_the_end(session, watch, stop)
            return _report(last, recording, notices, time.monotonic() - started, stop.is_set())
        finally:
            session.close(close_s, finish_pass=True)


def batch_playback(playback: Playback) -> Playback:
    """Return `playback` for work without a viewer: every frame, as fast as possible, once."""
    return replace(
        playback,
        policy=Policy.EVERY_FRAME,
        rate=None,
        loop=False,
        paused=False,
        reconnect_s=RECONNECT_S,
        decode=playback.decode.for_files,
    )


def check_before_loading(
    source: str, recording: RecordingRequest, playback: Playback = _FROM_THE_START
) -> None:
    """Fail at once for a source or an output that cannot work, before a network is loaded.

    Raises:
        RfviewerError: one sentence.
    """
    info = check_source(source)
    if info.duration_s is not None and playback.start_s >= info.duration_s > 0:
        raise SourceError(
            f"{info.name} is only {info.duration_s:.1f} s long; start before its end."
        )
    make_sinks(recording, SinkContext(info, ()))


def check_source(source: str) -> SourceInfo:
    """Open and close a source before a network is loaded; return what it says of itself.

    Cameras and streams are not opened here: doing it twice takes seconds and may fail.

    Raises:
        RfviewerError: it cannot be opened, or the words name none.
    """
    if source.startswith(("camera:", "/dev/")) or source.isdigit() or is_address(source):
        return SourceInfo("", "live", SourceKind.STREAM, 0, 0, None, live=True)
    with log.told_elsewhere(log.source):
        opened = open_source(source)
        opened.close()
    return opened.info


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Turn SIGINT, SIGTERM and SIGHUP into an event while the block runs.

    A terminal that is closed sends SIGHUP; under nohup it stays ignored.
    """
    stop = threading.Event()

    def request(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        stop.set()

    ending = [signal.SIGINT, signal.SIGTERM]
    hangup = getattr(signal, "SIGHUP", None)  # not on Windows
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:
        ending.append(hangup)
    previous = {number: signal.signal(number, request) for number in ending}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def wait_for_engine(session: LocalSession, watch: Watcher, stop: threading.Event) -> Snapshot:
    """Return the first snapshot whose engine is ready; the wait may include an export to ONNX.

    Raises:
        EngineError: it failed, or was given up.
    """
    while not stop.is_set():
        snapshot = session.poll()
        if snapshot is not None:
            watch(snapshot)
            if snapshot.engine.phase is EnginePhase.READY:
                return snapshot
            if snapshot.engine.phase is EnginePhase.FAILED:
                raise EngineError(snapshot.engine.step)
        time.sleep(POLL_S)
    raise EngineError("Stopped before the network was loaded; nothing was written.")


def hidden_class_ids(classes: Sequence[str], names: Sequence[str | None]) -> frozenset[int]:
    """Return every class id except those that `classes` names.

    Raises:
        ModelError: a name or number that the model does not have.
    """
    by_name = {name.casefold(): class_id for class_id, name in enumerate(names) if name}
    kept = set()
    for item in classes:
        class_id = by_name.get(item.strip().casefold())
        if class_id is None and item.strip().isdigit() and int(item) < len(names):
            class_id = int(item)
        if class_id is None:
            known = ", ".join(name for name in names if name) or "none"
            raise ModelError(f"The model has no class {item}; it has {known}.")
        kept.add(class_id)
    return frozenset(range(len(names))) - kept


def _until_the_end(
    session: LocalSession, watch: Watcher, stop: threading.Event
) -> tuple[Snapshot, list[str]]:
    """Watch until the files are finished; return the last state and the warnings on the way."""
    notices: list[str] = []
    deadline: float | None = None
    hurried = False
    while True:
        time.sleep(POLL_S)
        snapshot = session.poll()
        if snapshot is None:
            continue
        watch(snapshot)
        notices += [text for _, text in snapshot.notices if text not in notices]
        recording = snapshot.recording
        over = snapshot.state in (PlayState.ENDED, PlayState.FAILED) or stop.is_set()
        # Frames that no engine has seen have no place in an export.
        over |= snapshot.engine.phase is EnginePhase.FAILED
        if recording is not None and not recording.active:
            return snapshot, notices
        if over and deadline is None:
            session.pause()
            session.stop_recording()
            deadline = time.monotonic() + FINALISE_S
        if stop.is_set() and not hurried:
            hurried = True
            session.hurry(SIGNAL_S)
        if deadline is not None and time.monotonic() > deadline:
            raise SinkError(f"The files were not finished within {FINALISE_S:.0f} s; see the log.")


def _report(
    last: Snapshot,
    recording: RecordingRequest,
    notices: list[str],
    elapsed_s: float,
    stopped: bool,  # noqa: FBT001
) -> ExportReport:
    status, info = last.recording, last.engine.info
    if last.engine.phase is EnginePhase.FAILED:
        raise EngineError(last.engine.step)
    if status is None or info is None:
        raise EngineError("The export ended without an engine or a recording; see the log.")
    if status.error:
        raise SinkError(status.error)
    counters = last.counters
    if last.state is PlayState.FAILED:
        kept = f" {frames_are(status.frames)} kept." if status.frames else ""
        raise SourceError(last.error + kept)
    if not status.frames and not stopped and counters.captured:
        why = notices[0] if notices else "See the log."
        raise EngineError(f"No frame could be inferred, so nothing was written: {why}")
    if not status.frames and not stopped:
        raise SourceError("The source gave no frame in the chosen range, so nothing was written.")
    notices = [*notices, *asked_in_vain(info.toggles)]
    if counters.damaged:
        verb = "is" if counters.damaged == 1 else "are"
        notices = [*notices, f"{frames_text(counters.damaged)} of the source {verb} damaged."]
    return ExportReport(
        output=str(recording.video or "") if status.frames else "",
        labels=str(recording.labels or "") if status.frames else "",
        coco=str(recording.coco or "") if status.frames else "",
        frames_in=counters.captured,
        frames_out=status.frames,
        frames_damaged=counters.damaged,
        detections=counters.detections,
        duration_s=round(status.duration_s, 3),
        fps=round(status.frames / elapsed_s, 2),
        backend=info.backend,
        device=info.device,
        model=info.model,
        notice=" ".join(notices),
        stopped=stopped,
    )
