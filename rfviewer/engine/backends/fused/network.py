"""The whole fused network: backbone, then decoder and mask pixels side by side, then the masks."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rfviewer.engine.backends.fused.backbone import Backbone
from rfviewer.engine.backends.fused.mask_head import MaskHead
from rfviewer.engine.backends.fused.support import need
from rfviewer.engine.backends.fused.transformer import Transformer


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """What a pass may use besides the stream that it is put on; one slot's own."""

    stream: torch.cuda.Stream
    """It joins before the pass ends."""
    nearly_done: torch.cuda.Event | None
    """Recorded before the last decoder layer, if it is given."""

    def follow(self) -> None:
        """Let the second stream go on from here."""
        self.stream.wait_stream(torch.cuda.current_stream())

    def tell(self) -> None:
        """Record the event; nothing before `join` waits for that."""
        if self.nearly_done is not None:
            self.follow()
            self.nearly_done.record(self.stream)

    def join(self) -> None:
        """Let the current stream wait for the second one."""
        torch.cuda.current_stream().wait_stream(self.stream)


class FusedNetwork:
    """Maps the network input to (boxes, class logits[, mask logits]), like the traced module.

    Boxes are fp32 whatever the products compute in. One instance serves every slot.
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

    def __call__(self, network_input: Tensor, beside: Beside | None = None) -> tuple[Tensor, ...]:
        """Put one pass on the current stream.

        Args:
            network_input: (B, 3, H, W), normalised RGB.
            beside: the pixels of the masks need no query, so they can be made on a second stream,
                beside the decoder; None makes them before it.
        """
        features = self._backbone(network_input)
        if beside is not None:
            beside.follow()
            with torch.cuda.stream(beside.stream):
                pixels = self._pixels(features)
        else:
            pixels = self._pixels(features)
        boxes, logits, queries = self._transformer(features, beside.tell if beside else None)
        if beside is not None:
            beside.join()
        if self._masks is None or pixels is None:
            return boxes, logits
        return boxes, logits, self._masks(pixels, queries)

    def _pixels(self, features: Tensor) -> Tensor | None:
        return None if self._masks is None else self._masks.pixels(features)
