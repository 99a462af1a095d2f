"""The whole fused network: backbone, then decoder and mask pixels side by side, then the masks."""

from typing import Any

import torch
from torch import Tensor

from rfviewer.engine.backends.fused.backbone import Backbone
from rfviewer.engine.backends.fused.mask_head import MaskHead
from rfviewer.engine.backends.fused.support import need
from rfviewer.engine.backends.fused.transformer import Transformer


class FusedNetwork:
    """Maps the network input to (boxes, class logits[, mask logits]), like the traced module.

    Boxes are fp32 whatever the products compute in. One instance serves every slot; `side` gives
    each its own second stream.
    """

    def __init__(self, module: Any, input_hw: tuple[int, int]) -> None:  # noqa: ANN401 - LWDETR
        """Lay out the weights of `module`, which is in its final type and on its device.

        Raises:
            Unsupported: the module is built in a way this was not written for.
        """
        need(type(module).__name__ == "LWDETR", f"a {type(module).__name__}")
        with torch.no_grad():
            self._backbone = Backbone(module.backbone, input_hw)
            patch = module.backbone[0].encoder.encoder.config.patch_size
            patches_hw = (input_hw[0] // patch, input_hw[1] // patch)
            self._transformer = Transformer(module, patches_hw)
            head = module.segmentation_head
            self._masks = None if head is None else MaskHead(head, patches_hw, input_hw)

    def __call__(
        self, network_input: Tensor, side: "torch.cuda.Stream | None" = None
    ) -> tuple[Tensor, ...]:
        """Put one pass on the current stream, part of it on `side`, which joins before the end.

        Args:
            network_input: (B, 3, H, W), normalised RGB.
            side: the pixels of the masks need no query, so they can be made beside the decoder.
        """
        features = self._backbone(network_input)
        if self._masks is None:
            return self._transformer(features)[:2]
        if side is None:
            pixels = self._masks.pixels(features)
        else:
            main = torch.cuda.current_stream()
            side.wait_stream(main)
            with torch.cuda.stream(side):
                pixels = self._masks.pixels(features)
        boxes, logits, queries = self._transformer(features)
        if side is not None:
            torch.cuda.current_stream().wait_stream(side)
        return boxes, logits, self._masks(pixels, queries)
