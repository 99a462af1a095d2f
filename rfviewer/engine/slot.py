"""A slot: every buffer and event of one frame in flight.

`depth` slots make the pipeline. A slot is built for one frame size. From submit to collect it
belongs to one frame; its streams pass it on from stage to stage, so at any time one thread works on
it. Nothing of it leaves the engine: results are new arrays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rfviewer.detections import Detections
from rfviewer.engine.backends.base import BoundNetwork, RawOutputs
from rfviewer.engine.streams import HostEvent
from rfviewer.errors import EngineError
from rfviewer.frame import Frame, U8Array
from rfviewer.models.spec import F32Array
from rfviewer.timing import Stage

STAGES = (Stage.PREPROCESS, Stage.INFER, Stage.POSTPROCESS)
"""The stages of the host engine, in order."""


class Preprocess(Protocol):
    """Makes the network input; holds the buffers for one frame size."""

    def run(self, image: U8Array, out: F32Array) -> None:
        """Write the network input (3, h, w) for `image`, BGR (H, W, 3), into `out`."""


class Postprocess(Protocol):
    """Makes detections of raw outputs; holds the buffers for one frame size."""

    def run(self, raw: RawOutputs, threshold: float) -> Detections:
        """Return new detections with `score > threshold`, in frame pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class SlotWork:
    """What a slot works with for one frame size: two stages with their buffers."""

    preprocess: Preprocess
    postprocess: Postprocess
    staged_input: F32Array | None
    """(1, 3, h, w) extra buffer before the network input; None writes it directly."""
    interleaved_input: F32Array | None
    """(h, w, 3) that the preprocess writes pixel by pixel; None lets it write planes."""
    staged_raw: RawOutputs | None
    """Extra buffers behind the raw outputs; None reads them in place."""


class Slot:
    """One frame in flight. Made and handed out on the engine thread."""

    def __init__(
        self, frame_wh: tuple[int, int], network: BoundNetwork, make_work: Callable[[], SlotWork]
    ) -> None:
        self.lane = ""
        """Name of the slot's lane in spans, set by its engine."""
        self.frame_wh = frame_wh
        """Frame size that the buffers fit."""
        self.network = network
        """The network's own buffers; they outlive the slot."""
        self._make_work = make_work
        self._work: SlotWork | None = None
        self.started = {stage: HostEvent() for stage in STAGES}
        self.done = {stage: HostEvent() for stage in STAGES}
        self.frame: Frame | None = None
        """The frame in flight; None when the slot is free."""
        self.threshold = 0.0
        self.submit_time_ns = 0
        self.submitted_time_ns = 0
        """When the engine thread had handed the frame to the streams."""
        self.detections: Detections | None = None
        """Set by the last stage."""
        self.error: Exception | None = None
        """What a stage raised; later stages of the frame are skipped."""
        self.failed_stage: Stage | None = None

    @property
    def work(self) -> SlotWork:
        """The stages and their buffers, made by the first stage of the first frame.

        So a frame too large for the memory fails in its stage, as that frame's error.
        """
        if self._work is None:
            self._work = self._make_work()
        return self._work

    def begin(self, frame: Frame, threshold: float, submit_time_ns: int) -> None:
        """Hand the slot to `frame`."""
        self.frame, self.threshold, self.submit_time_ns = frame, threshold, submit_time_ns
        self.detections = self.error = self.failed_stage = None
        for event in (*self.started.values(), *self.done.values()):
            event.clear()

    def cancel(self) -> None:
        """Let the stages that have not begun skip this frame; from the engine thread."""
        if self.error is None:
            self.error = EngineError("The engine was closed while a frame was in flight.")

    def release(self) -> None:
        """Free the slot for the next frame."""
        self.frame = self.detections = self.error = self.failed_stage = None
