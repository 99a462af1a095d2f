"""A slot: every buffer and event of one frame in flight.

`depth` slots make the pipeline. A slot is built for one frame size. From submit to collect it
belongs to one frame; its streams pass it on from stage to stage, so at any time one thread works on
it. Nothing of it leaves the engine: results are new arrays.
"""

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


class Slot:
    """One frame in flight. Made and handed out on the engine thread."""

    def __init__(
        self,
        frame_wh: tuple[int, int],
        network: BoundNetwork,
        preprocess: Preprocess,
        postprocess: Postprocess,
        staged_input: F32Array | None,
        staged_raw: RawOutputs | None,
    ) -> None:
        self.frame_wh = frame_wh
        """Frame size that the buffers fit."""
        self.network = network
        """The network's own buffers; they outlive the slot."""
        self.preprocess = preprocess
        self.postprocess = postprocess
        self.staged_input = staged_input
        """(1, 3, h, w) extra buffer before the network input; None writes it directly."""
        self.staged_raw = staged_raw
        """Extra buffers behind the raw outputs; None reads them in place."""
        self.started = {stage: HostEvent() for stage in STAGES}
        self.done = {stage: HostEvent() for stage in STAGES}
        self.frame: Frame | None = None
        """The frame in flight; None when the slot is free."""
        self.threshold = 0.0
        self.submit_time_ns = 0
        self.detections: Detections | None = None
        """Set by the last stage."""
        self.error: Exception | None = None
        """What a stage raised; later stages of the frame are skipped."""
        self.failed_stage: Stage | None = None

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
