"""The overlay of a slot: masks, outlines and boxes drawn onto its frame where both are.

A second, small graph behind the slot's own: only frames that are seen or saved pay for it. What the
view says lies in a table on the device, so a changed view needs no new capture. The finished image
goes into pinned memory of its own, which the result keeps: nothing is copied on the host.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from rfviewer.config import ColorBy, View
from rfviewer.drawing import OUTLINE_LIGHTER, DrawSizes, opacity_share, outline_pen
from rfviewer.engine.cuda.buffers import SeatBuffers
from rfviewer.engine.cuda.clock import TimeBase
from rfviewer.engine.cuda.frame_format import FrameFormat
from rfviewer.engine.cuda.graph import StepGroup
from rfviewer.engine.cuda.spans import StageInterval
from rfviewer.engine.cuda.stages import Step
from rfviewer.engine.ranges import Ranges
from rfviewer.frame import U8Array
from rfviewer.optimizations import Optimizations
from rfviewer.palette import Rgb, color_of, lighter
from rfviewer.timing import Stage
from rfviewer_kernels.overlay import overlay
from rfviewer_kernels.overlay_plan import (
    PAINT_WORDS,
    SHOW_BOXES,
    SHOW_MASKS,
    SHOW_OUTLINES,
    ViewTable,
    overlay_plan,
)
from rfviewer_kernels.timestamps import stamp

_HOST = torch.device("cpu")
_WARM_IMAGES = 4
"""Images alive at a time: in flight, waiting, being drawn, on display."""


def can_draw(view: View) -> bool:
    """Return whether the device can draw `view`.

    Colours by instance follow objects from frame to frame; only the renderer, which sees the drawn
    frames in order, knows them. A split view needs the detections of a second engine.
    """
    return view.color_by is ColorBy.CLASS and view.split is None


@lru_cache(maxsize=8)
def view_words(view: View, classes: int) -> NDArray[np.int32]:
    """Return the words of the `ViewTable` for `view` and that many classes; not to be written."""
    table = ViewTable.allocate(classes, _HOST)
    table.flags[0] = (
        SHOW_MASKS * (view.masks and view.opacity > 0)
        + SHOW_OUTLINES * view.outlines
        + SHOW_BOXES * view.boxes
    )
    table.fill_share[0] = opacity_share(view.opacity)
    table.threshold[0] = view.threshold
    for class_id in range(classes):
        color = color_of(view, class_id)
        table.fill_colors[class_id] = -1 if class_id in view.hidden_class_ids else _packed(color)
        table.line_colors[class_id] = _packed(lighter(color, OUTLINE_LIGHTER))
    words: NDArray[np.int32] = table.flat.numpy()
    words.setflags(write=False)
    return words


class _Drawing:
    """The buffers and the work of one slot's overlay; a graph may hold `enqueue`."""

    def __init__(self, frame: FrameFormat, buffers: SeatBuffers, classes: int) -> None:
        device = buffers.results.flat.device
        self._frame = frame
        self._buffers = buffers
        self._sizes = DrawSizes.for_frame(*frame.wh)
        self._pen = outline_pen(self._sizes.outline_px)
        self._shares = torch.from_numpy(self._pen.shares.astype(np.int32)).to(device)
        self.host_view = ViewTable.allocate(classes, _HOST, pinned=True)
        """What to draw with; written while the slot is free."""
        self._view = ViewTable.allocate(classes, device)
        rows = 1 + buffers.results.max_records
        self._paint = torch.zeros(rows, PAINT_WORDS, dtype=torch.int32, device=device)
        self.image = torch.zeros(frame.height, frame.width, dtype=torch.int32, device=device)
        """(H, W): each word is one BGRA pixel."""

    def enqueue(self, at: torch.Tensor | None) -> None:
        """Bring the view to the device and composite; the device's time goes to `at` first."""
        buffers = self._buffers
        if at is not None:
            stamp(at, self.image.device)
        self._view.flat.copy_(self.host_view.flat, non_blocking=True)
        overlay_plan(buffers.results, self._view, self._paint, frame_wh=self._frame.wh)
        overlay(
            buffers.device_input.image,
            buffers.results,
            self._paint,
            None if buffers.masks is None else buffers.masks.planes,
            self._view,
            self._shares,
            self.image,
            layout=self._frame.layout,
            matrix=self._frame.matrix,
            box_reach=self._sizes.box_reach,
            outline_reach=self._pen.reach,
        )


class SlotOverlay:
    """Draws the frame of one slot once the slot's own work is enqueued. Engine thread."""

    def __init__(
        self,
        frame: FrameFormat,
        buffers: SeatBuffers,
        classes: int,
        stream: torch.cuda.Stream,
        wanted: Optimizations,
        copy_whole: Callable[[torch.Tensor | None], None] | None = None,
    ) -> None:
        """Allocate for frames of that format; masks must be packed, or there are none.

        `copy_whole` brings the whole frame to the device first; None where it is there already.
        """
        self._stream = stream
        self._pinned = wanted.pinned_output
        self._waits = not wanted.event_waits
        self._drawing = _Drawing(frame, buffers, classes)
        self._host_words: NDArray[np.int32] = self._drawing.host_view.flat.numpy()
        self._classes = classes
        steps = [] if copy_whole is None else [Step(Stage.H2D, copy_whole)]
        steps.append(Step(Stage.RENDER, self._drawing.enqueue))
        self._group = StepGroup(steps, stream, kernel_timestamps=wanted.kernel_timestamps)
        self._copy_start, self._copy_end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        self._drawn: View | None = None
        self._taken: torch.Tensor | None = None
        self._written: View | None = None

    @property
    def view(self) -> View | None:
        """What the frame in flight is drawn with; None when it is not drawn."""
        return self._drawn

    def warm_up(self) -> None:
        """Draw once, and let the allocator of pinned memory keep enough for all images alive."""
        self.enqueue(View())
        self._stream.synchronize()
        if self._pinned:
            images = [self._host_image() for _ in range(_WARM_IMAGES)]
            images.clear()
        self.clear()

    def capture(self) -> None:
        """Record the drawing as a graph.

        Raises:
            RuntimeError: it cannot be captured.
        """
        self._group.capture()

    def use_ranges(self, ranges: Ranges) -> None:
        """Put a range around the drawing."""
        self._group.use_ranges(ranges)

    def enqueue(self, view: View) -> None:
        """Put drawing and copy on the slot's stream, which is also torch's current one."""
        if view != self._written:
            self._host_words[:] = view_words(view, self._classes)
            self._written = view
        self._drawn = view
        self._group.run()
        if self._waits:
            self._stream.synchronize()
        self._copy_start.record(self._stream)
        if self._pinned:
            self._taken = self._host_image()
            self._taken.copy_(self._drawing.image, non_blocking=True)
        self._copy_end.record(self._stream)

    def take(self) -> U8Array | None:
        """Return the image, BGRA (H, W, 4), once the slot is done; None when nothing was drawn.

        The array keeps its memory for itself. Without `pinned_output` it is copied now, blocking.
        """
        if self._drawn is None:
            return None
        words = self._drawing.image.cpu() if self._taken is None else self._taken
        image: U8Array = words.numpy().view(np.uint8).reshape(*words.shape, 4)
        return image

    def work(self, base: TimeBase) -> list[StageInterval]:
        """Return when the device drew and copied; the slot is done."""
        if self._drawn is None:
            return []
        start = base.time_ms(self._copy_start)
        end = start + float(self._copy_start.elapsed_time(self._copy_end))
        return [*self._group.work(base), (Stage.D2H, start, end)]

    def clear(self) -> None:
        """Forget the frame that was drawn."""
        self._drawn = self._taken = None

    def _host_image(self) -> torch.Tensor:
        # Torch keeps freed pinned memory for the next request of this size, once no copy uses it.
        return torch.empty(self._drawing.image.shape, dtype=torch.int32, pin_memory=True)


def _packed(color: Rgb) -> int:
    """Return 0xRRGGBB."""
    red, green, blue = color
    return (red << 16) | (green << 8) | blue
