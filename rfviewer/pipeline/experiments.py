"""Runs the lab's experiments on the engine thread while the video stands still."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rfviewer import log
from rfviewer.config import Playback, View
from rfviewer.errors import RfviewerError
from rfviewer.experiment import CeilingsRequest, LabRequest, LabResult, LabStatus
from rfviewer.frame import SourceInfo
from rfviewer.interfaces import Engine, RecordingRequest, SinkContext
from rfviewer.lab.ceilings import Probes
from rfviewer.lab.run import LabParts, run_experiment
from rfviewer.lab.stand import Stopped
from rfviewer.pipeline.engine_loop import EngineLoop
from rfviewer.pipeline.parts import Parts
from rfviewer.pipeline.recent import RecentFrames

LIMIT_S = 120.0
"""Longest A/B beside a window: the video stands still meanwhile."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the session shows when an experiment starts."""

    view: View
    playback: Playback
    source: SourceInfo | None
    uri: str
    inferred_fps: float | None
    """Rate of the whole path just before."""


class _Run:
    """One experiment, from the request to its end."""

    def __init__(self, request: LabRequest) -> None:
        self.stop = threading.Event()
        self.reason = str(Stopped())
        """Why it was stopped, if it was."""
        self.status = LabStatus(request, active=True, step="Waiting for the engine")


class Experiments:
    """One at a time. `start` and `stop` from one thread; the rest runs on the engine thread."""

    def __init__(
        self, parts: Parts, engine: EngineLoop, recent: RecentFrames, done: Callable[[], None]
    ) -> None:
        """`done` is called on the engine thread when the video may go on."""
        self._parts = parts
        self._engine = engine
        self._recent = recent
        self._done = done
        self._run: _Run | None = None

    @property
    def status(self) -> LabStatus | None:
        """The running or last experiment."""
        return None if self._run is None else self._run.status

    def start(self, request: LabRequest, scene: Scene) -> None:
        """Stop what runs and begin `request` as soon as nothing is in flight."""
        self.stop()
        run = self._run = _Run(request)
        future = self._engine.run_job(lambda engine: self._carry_out(run, engine, scene))
        future.add_done_callback(lambda ended: self._ended(run, ended))
        if self._engine.frames.closed:
            future.cancel()  # nobody is left who would take it

    def stop(self, reason: str = "") -> None:
        """Give up the running experiment, if there is one; it ends within a frame."""
        run = self._run
        if run is not None and run.status.active and not run.stop.is_set():
            run.reason = reason or run.reason
            run.stop.set()

    def _carry_out(self, run: _Run, engine: Engine, scene: Scene) -> LabResult:
        def progress(step: str, index: int, count: int) -> None:
            if run.stop.is_set() or self._engine.frames.closed:
                raise Stopped
            run.status = replace(run.status, step=step, index=index, count=count)

        frames, request = self._recent.take(), run.status.request
        if isinstance(request, CeilingsRequest):  # they tell what binds what runs, so as it runs
            request = replace(request, target=self._engine.in_effect(request.target))
        with self._probes(request, scene, engine) as probes:
            renderer = self._parts.make_renderer
            parts = LabParts(scene.view, None if renderer is None else renderer(), probes, LIMIT_S)
            result = run_experiment(engine, frames, request, parts, progress)
        run.status = replace(run.status, device=engine.device_usage())
        return result

    @contextmanager
    def _probes(self, request: LabRequest, scene: Scene, engine: Engine) -> Iterator[Probes]:
        source = scene.source
        if not isinstance(request, CeilingsRequest) or source is None:
            yield Probes()
            return
        rate = 1.0 if source.live else scene.playback.rate
        context = SinkContext(source, engine.info.class_names)
        with tempfile.TemporaryDirectory(prefix="rfviewer-lab-") as folder:
            recording = RecordingRequest(video=Path(folder) / "lab.mp4", audio=False)
            yield Probes(
                open_source=None if source.live else lambda: self._parts.open_source(scene.uri),
                source=source,
                open_sink=lambda: self._parts.make_sinks(recording, context)[0],
                running_fps=scene.inferred_fps,
                paced_fps=None if rate is None or source.fps is None else rate * source.fps,
                no_source="a live source cannot be opened twice",
            )

    def _ended(self, run: _Run, future: "Future[LabResult]") -> None:
        status = replace(run.status, active=False)
        try:
            status = replace(status, result=future.result(timeout=0))
        except Stopped:
            status = replace(status, error=run.reason)
        except CancelledError:
            status = replace(status, error="The engine ended before the experiment did.")
        except RfviewerError as error:
            status = replace(status, error=str(error))
        except Exception as error:  # noqa: BLE001 - shown to the user, and the video goes on
            log.engine.exception("an experiment failed")
            sentence = f"The experiment failed because of an unexpected fault ({error})."
            status = replace(status, error=sentence)
        try:
            self._done()
        finally:
            run.status = status
