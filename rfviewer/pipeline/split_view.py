"""The frame on display twice, left of the split line as the reference sees it."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rfviewer.config import View
from rfviewer.detections import Detections
from rfviewer.frame import Frame, U8Array
from rfviewer.interfaces import Renderer
from rfviewer.pipeline.parity_reference import ComparedPair
from rfviewer.render.split import compose_split
from rfviewer.result import FrameResult

_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class SplitSource:
    """Where compared frames come from; called on the presenter thread."""

    active: Callable[[], bool]
    """Whether anything is compared at all."""
    pair: Callable[[], ComparedPair | None]
    """The newest frame with both results."""
    request: Callable[[FrameResult], None]
    """Asks for the comparison of a result; may be asked again and again."""


@dataclass(frozen=True, slots=True, eq=False)
class SplitImage:
    """A frame with both results drawn."""

    image: U8Array
    frame: Frame
    """The one that was compared last, which may be a little older than the one on display."""


class SplitView:
    """Draws split frames. Used on the presenter thread."""

    def __init__(self, source: SplitSource) -> None:
        self._source = source
        self._shown: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        """Epoch and number of the frames on display since the line was turned on."""

    def draw(
        self,
        renderer: Renderer,
        result: FrameResult,
        view: View,
        class_names: Sequence[str | None],
        *,
        roi: bool,
    ) -> SplitImage | None:
        """Return the picture for `view.split`, of the newest compared frame; None if there is none.

        Until the first one is compared, the left side is bare. Redrawing, as while the line is
        dragged, runs no engine again.
        """
        if view.split is None or not self._source.active():
            self._shown.clear()
            return None
        if _frame_id(result) not in self._shown:
            self._shown.append(_frame_id(result))
        self._source.request(result)
        pair = self._source.pair()
        # One from before would show a frame that is long gone.
        if pair is not None and _frame_id(pair.candidate) in self._shown:
            reference, candidate = pair.reference, pair.candidate
        else:
            reference, candidate = Detections.empty(), result
        left, right = (
            renderer.render(
                candidate.frame,
                side.visible(view.threshold, view.hidden_class_ids),
                view,
                class_names,
                roi=roi,
            )
            for side in (reference, candidate.detections)
        )
        return SplitImage(compose_split(left, right, view.split), candidate.frame)


def _frame_id(result: FrameResult) -> tuple[int, int]:
    return result.frame.epoch, result.frame.frame_index
