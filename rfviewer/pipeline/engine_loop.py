"""The engine thread: the sole owner of the engine. Feeds it, hands results on.

`engine_keeper.py` builds and reconfigures it between frames.
"""

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from rfviewer import log
from rfviewer.channels import Closed, Feed
from rfviewer.config import EngineConfig, View
from rfviewer.errors import DeviceLostError, EngineError
from rfviewer.frame import Frame
from rfviewer.interfaces import Engine, EngineFactory, FrameHome
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.capture_outputs import EndOfStream
from rfviewer.pipeline.engine_keeper import EngineJob, EngineKeeper, KeeperOutputs
from rfviewer.pipeline.watch import EngineWatch, WatchLimits
from rfviewer.result import DeviceUsage, FrameResult
from rfviewer.snapshot import EngineStatus

USAGE_PERIOD_NS = 250_000_000
"""How often the device is asked how busy it is."""
MAX_FAILURES_IN_ROW = 10
"""After so many the engine is given up; one bad frame is no reason to."""
HELD_WAIT_S = 0.05
"""How often the loop looks for requests while a pause holds a result back."""
BATCH_WAIT_S = 0.05
"""How long frames wait for a next one to share their pass: a source that stands still, or is this
slow, gains nothing by it."""


@dataclass(frozen=True, slots=True)
class EngineOutputs:
    """What the loop asks and tells; all called on the engine thread."""

    is_stale: Callable[[int], bool]
    """Whether frames of this epoch may no longer be shown."""
    take_turn: Callable[[Frame, float], bool]
    """Waits up to that many seconds for permission to hand on that frame."""
    wants_overlay: Callable[[], bool]
    """Whether the next frame will be seen or saved."""
    deliver: Callable[[FrameResult], None]
    deliver_bare: Callable[[Frame], None]
    """Takes a frame that no engine has seen, since none could be built."""
    gates_results: Callable[[], bool]
    """Whether results wait for their turn (every-frame) or are published at once (keep-pace)."""
    ended: Callable[[EndOfStream], None]
    ready: Callable[[Engine], None]
    """The engine is new or reconfigured."""
    failed: Callable[[str], None]
    """One sentence about a frame that failed."""


class EngineLoop:
    """`run` is the thread body; requests come from any thread and are met between frames."""

    def __init__(
        self,
        make_engine: EngineFactory,
        config: EngineConfig,
        optimizations: Optimizations,
        outputs: EngineOutputs,
        limits: WatchLimits | None = None,
        *,
        frames_may_wait: bool = False,
    ) -> None:
        """`frames_may_wait` lets frames wait for others that share their pass (`micro_batch`)."""
        self.watch = EngineWatch(limits or WatchLimits())
        """Tells when the engine does not come back."""
        self.frames: Feed[Frame | EndOfStream] = Feed(capacity=4)
        """Where the capture thread puts frames."""
        self._outputs = outputs
        self._keeper = EngineKeeper(
            make_engine,
            config,
            optimizations,
            KeeperOutputs(
                drain=self._drain,
                is_closing=lambda: self.frames.closed,
                ready=self._became_ready,
                failed=outputs.failed,
            ),
            self.watch,
            frames_may_wait=frames_may_wait,
        )
        self._view = View()
        self._held: deque[FrameResult | Frame | EndOfStream] = deque()
        self._usage = DeviceUsage(None, "not measured: no engine yet")
        self._usage_time_ns = 0
        self._failures_in_row = 0

    @property
    def status(self) -> EngineStatus:
        """Phase of the engine and what it is."""
        return self._keeper.status

    @property
    def config(self) -> EngineConfig:
        """What is being loaded or in use; a refused one gives way to the one before."""
        return self._keeper.config

    @property
    def loaded_config(self) -> EngineConfig:
        """What the present engine was made from; on the engine thread."""
        return self._keeper.loaded_config

    @property
    def usage(self) -> DeviceUsage:
        """GPU idle share and memory, at most a quarter of a second old while frames flow."""
        return self._usage

    @property
    def in_flight(self) -> int:
        """Frames in flight now, for display."""
        engine = self._keeper.engine
        return 0 if engine is None else engine.in_flight

    def home(self, frame: Frame) -> Frame:
        """Return `frame` in the engine's own memory where it has some; from any thread.

        What an engine without any reads is made ready here, beside its work. A frame that cannot be
        brought there is returned as it is, and fails where the engine reads it.
        """
        engine: object = self._keeper.engine
        try:
            if isinstance(engine, FrameHome):
                return engine.home(frame)
            if engine is not None and frame.on_device:
                frame.image  # noqa: B018 - comes to the host now
        except EngineError as error:
            log.engine.warning("a frame stays where it is: %s", error)
        return frame

    def set_config(self, config: EngineConfig) -> None:
        """Build another engine; the present one stays in use if that fails.

        Meanwhile nothing is inferred: every-frame playback stands still, keep-pace runs on.
        """
        self._keeper.set_config(config)
        self.frames.wake()

    def set_optimizations(self, optimizations: Optimizations) -> None:
        """Reconfigure before the next frame; of several requests the newest counts."""
        self._keeper.set_optimizations(optimizations)
        self.frames.wake()

    def set_view(self, view: View) -> None:
        """Use this threshold and overlay from the next submitted frame on."""
        self._view = view

    def run_job[T](self, job: EngineJob[T]) -> Future[T]:
        """Run `job` on the engine thread with nothing in flight; fails if no engine is ready."""
        future = self._keeper.run_job(job)
        self.frames.wake()
        return future

    def fail(self, sentence: str) -> None:
        """Show the engine as failed: its thread, or one that it needs, is gone."""
        self._keeper.fail(sentence)

    def in_effect(self, optimizations: Optimizations) -> Optimizations:
        """Return what the engine is given where `optimizations` are asked for."""
        return self._keeper.in_effect(optimizations)

    def close(self) -> None:
        """End `run`; frames in flight are dropped."""
        self.frames.close()

    def run(self) -> None:
        """Serve until closed.

        Raises:
            DeviceLostError: the device is of no more use to this process.
        """
        lost, has_time = False, True
        try:
            while True:
                self._keeper.carry_out_requests(step=has_time)
                has_time = self._advance()
        except Closed:
            log.engine.debug("engine loop closed")
        except DeviceLostError:
            lost = True
            raise
        finally:
            self.frames.close()  # after a crash nobody may wait for this thread
            self._keeper.close(lost=lost)

    def _advance(self) -> bool:
        """Take one step: hand on a result, collect one, or take one more frame.

        Return whether this is a moment for slow work: the engine has just got a frame to work on,
        or there is nothing to do.
        """
        if self._held:
            return not self._hand_on()
        engine = self._keeper.engine
        in_flight = 0 if engine is None else engine.in_flight
        if engine is not None and in_flight >= engine.depth and not self._made_room():
            self._collect(engine)
            return False
        item = self.frames.take(self._patience_s(in_flight))
        if item is None:
            if engine is not None and in_flight:
                self._collect(engine)
                return False
            return True
        self._keeper.carry_out_requests(step=False)  # made before this frame, they count for it
        engine = self._keeper.engine
        if isinstance(item, EndOfStream):
            self._drain()
            self._held.append(item)
        elif self._outputs.is_stale(item.epoch):
            pass
        elif engine is None:
            if self._outputs.gates_results():
                self._held.append(item)
        else:
            view = self._view
            overlay = view if self._outputs.wants_overlay() else None
            try:
                with self.watch.frame(item.width, item.height):
                    engine.submit(item, view.threshold, overlay)
            except EngineError as error:
                self._frame_failed(error)
            return True
        return False

    def _made_room(self) -> bool:
        """Wait until a slot is free for a next frame before the oldest result is read, if ever."""
        relaunching = self._keeper.relaunching
        if relaunching is None:
            return False
        with self.watch:
            return relaunching.make_room()

    def _collect(self, engine: Engine) -> None:
        try:
            with self.watch:
                result = engine.collect()
        except EngineError as error:
            self._frame_failed(error)
            return
        self._failures_in_row = 0
        now_ns = time.monotonic_ns()
        if now_ns - self._usage_time_ns > USAGE_PERIOD_NS:
            self._usage_time_ns = now_ns
            self._usage = engine.device_usage()
        if self._outputs.is_stale(result.frame.epoch):
            return
        if self._outputs.gates_results():
            self._held.append(result)
        else:
            self._outputs.deliver(result)

    def _frame_failed(self, error: EngineError) -> None:
        log.engine.warning("a frame failed: %s", error)
        if isinstance(error, DeviceLostError):
            raise error
        self._outputs.failed(str(error))
        self._failures_in_row += 1
        if self._failures_in_row >= MAX_FAILURES_IN_ROW and self._keeper.engine is not None:
            # The video goes on without masks instead of standing still for ever.
            sentence = f"The engine failed on {self._failures_in_row} frames in a row: {error}"
            self._keeper.give_up(sentence)
            self._outputs.failed(sentence)

    def _hand_on(self) -> bool:
        """Hand on what was held back longest; False when it is not its turn yet."""
        item = self._held[0]
        if isinstance(item, EndOfStream):
            self._held.popleft()
            if not self._outputs.is_stale(item.epoch):
                self._outputs.ended(item)
            return True
        frame = item.frame if isinstance(item, FrameResult) else item
        if self._outputs.is_stale(frame.epoch):
            self._held.popleft()
            return True
        if not self._outputs.take_turn(frame, HELD_WAIT_S):
            return False
        self._held.popleft()
        if isinstance(item, Frame):
            self._outputs.deliver_bare(item)
        else:
            self._outputs.deliver(item)
        return True

    def _drain(self) -> None:
        engine = self._keeper.engine
        while engine is not None and engine.in_flight:
            self._collect(engine)

    def _patience_s(self, in_flight: int) -> float | None:
        """Return how long to wait for a frame while something else could be done; None for ever."""
        if not in_flight:
            return 0.0 if self._keeper.is_preparing else None
        batching = self._keeper.batching
        return BATCH_WAIT_S if batching is not None and batching.waits_for_frames else 0.0

    def _became_ready(self, engine: Engine) -> None:
        self._failures_in_row = 0
        self._usage = engine.device_usage()
        self._outputs.ready(engine)
