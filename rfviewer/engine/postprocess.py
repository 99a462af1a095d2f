"""Raw outputs to detections on the host: check, select, decode boxes, make masks."""

import numpy as np

from rfviewer.detections import Detections
from rfviewer.engine.backends.base import RawOutputs
from rfviewer.engine.boxes import boxes_in_frame
from rfviewer.engine.masks import MaskResizer, MaskSizes, MaskTables
from rfviewer.engine.objects import through_objects
from rfviewer.engine.select import rank_all, select
from rfviewer.engine.tables import TableCache
from rfviewer.optimizations import Optimizations


class HostPostprocess:
    """The postprocess for one frame size, with the buffers of one slot. One thread at a time."""

    def __init__(
        self,
        frame_wh: tuple[int, int],
        mask_wh: tuple[int, int] | None,
        num_select: int,
        tables: TableCache[MaskSizes, MaskTables],
        optimizations: Optimizations,
    ) -> None:
        self._frame_wh = frame_wh
        self._num_select = num_select
        self._fused_select = optimizations.fused_select
        self._limit_masks = optimizations.limit_masks
        self._float_boxes = optimizations.float_boxes
        self._direct = optimizations.direct_detections
        self._masks = None
        if mask_wh is not None:
            self._masks = MaskResizer(
                (mask_wh, frame_wh),
                tables,
                roi=optimizations.roi_masks,
                packed=optimizations.packed_masks,
            )

    def run(self, raw: RawOutputs, threshold: float) -> Detections:
        """Return new detections with `score > threshold`, in frame pixels.

        Raises:
            EngineError: the raw outputs hold NaN or infinity.
        """
        raw.check()
        selection = select(raw.pred_logits, threshold, self._num_select, fused=self._fused_select)
        masks = None
        if self._masks is not None and raw.pred_masks is not None:
            if self._limit_masks:
                masks = self._masks.run(raw.pred_masks, selection.queries)
            else:
                ranked = rank_all(raw.pred_logits, self._num_select)
                kept = ranked.scores > np.float32(threshold)
                masks = self._masks.run(raw.pred_masks, ranked.queries, kept)
        boxes = boxes_in_frame(raw.pred_boxes[selection.queries], self._frame_wh)
        if not self._float_boxes:
            np.rint(boxes, out=boxes)
        detections = Detections(boxes, selection.scores, selection.class_ids, masks)
        return detections if self._direct else through_objects(detections)
