"""The way of frames and results to the presenter, as policy and recording ask."""

from rfviewer import log
from rfviewer.channels import Closed
from rfviewer.config import Policy, View
from rfviewer.frame import Frame, SourceInfo
from rfviewer.pipeline.policy import automatic_policy, engine_fps
from rfviewer.pipeline.presenter import Presentable, Presenter
from rfviewer.pipeline.recorder import Recorder
from rfviewer.pipeline.statistics import Statistics
from rfviewer.pipeline.transport import Transport
from rfviewer.result import FrameResult

RESULTS_TO_JUDGE = 3
"""Results after which the engine's speed is judged: the first ones warm up."""


class Delivery:
    """Used by the capture thread (`show_without_masks`) and the engine thread (`deliver...`).

    The pipeline's own thread replaces the transport.
    """

    def __init__(
        self,
        presenter: Presenter,
        recorder: Recorder,
        statistics: Statistics,
        transport: Transport,
    ) -> None:
        self.transport = transport
        """Play state of the source that is open or being opened."""
        self.source: SourceInfo | None = None
        """Set once it is open."""
        self.view = View()
        """Decides which detections count as shown."""
        self._presenter = presenter
        self._recorder = recorder
        self._statistics = statistics
        self._results_until_judged = RESULTS_TO_JUDGE
        self._shown: tuple[int, int] | None = None
        """Epoch and number of the frame shown last without waiting for its masks."""

    def begin(self, transport: Transport) -> None:
        """Serve another source from now on; what belongs to the one before is stale."""
        self.transport, self.source = transport, None
        self.judge_speed()

    def judge_speed(self) -> None:
        """Choose the policy anew after the next results: the engine has changed."""
        self._results_until_judged = RESULTS_TO_JUDGE

    def is_stale(self, epoch: int) -> bool:
        """Whether frames of `epoch` may no longer be shown."""
        return epoch != self.transport.epoch or self.transport.stopped

    def show_without_masks(self, frame: Frame) -> None:
        """Show `frame` at once (keep-pace); waits while every frame of a file is recorded."""
        item = Presentable(frame, None)
        self._shown = (frame.epoch, frame.frame_index)
        if self._recorder.wanted and self.source is not None and not self.source.live:
            self._presenter.put_wait(item, lambda: self.is_stale(frame.epoch))
        else:
            self._presenter.put_newest(item)

    def deliver(self, result: FrameResult) -> None:
        """Count `result` and show it: on its own frame, or on those that follow (keep-pace)."""
        shown = result.detections.visible(self.view.threshold, self.view.hidden_class_ids)
        self._statistics.inferred(result, len(shown))
        transport, source = self.transport, self.source
        self._results_until_judged -= 1
        if source is not None and self._results_until_judged == 0:
            transport.set_auto_policy(automatic_policy(source, engine_fps(result)))
        frame = result.frame
        # Shown already: the policy has changed meanwhile, and no frame is recorded twice.
        is_old = self._shown is not None and (frame.epoch, frame.frame_index) <= self._shown
        live = source is not None and source.live
        if transport.policy is Policy.KEEP_PACE or (live and is_old):
            self._presenter.new_result(result)
        else:
            self._present(Presentable(result.frame, result))

    def deliver_bare(self, frame: Frame) -> None:
        """Show a frame that no engine has seen."""
        self._present(Presentable(frame, None))

    def _present(self, item: Presentable) -> None:
        try:
            if self._recorder.wanted:
                self._presenter.put_wait(item, lambda: self.is_stale(item.frame.epoch))
            else:
                self._presenter.put_newest(item)
        except Closed:
            log.pipeline.debug("frame %d came after the presenter closed", item.frame.frame_index)
