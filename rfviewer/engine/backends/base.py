"""What the engine knows about a runtime: buffers bound to a network, and a call that runs it.

The names of RF-DETR's exported outputs (`dets`, `labels`, `masks`) end here; from this edge on they
are pred_boxes, pred_logits and pred_masks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from rfviewer.errors import EngineError
from rfviewer.models.spec import F32Array


@dataclass(frozen=True, slots=True, eq=False)
class RawOutputs:
    """The network's outputs of one frame, fp32, host. Overwritten by the next run."""

    pred_boxes: F32Array
    """(Q, 4) cx, cy, w, h relative to the frame, not clamped."""
    pred_logits: F32Array
    """(Q, C) class logits."""
    pred_masks: F32Array | None
    """(Q, h, w) mask logits; None for detection-only models."""

    def empty_like(self) -> Self:
        """Return buffers of the same shapes."""
        masks = None if self.pred_masks is None else np.empty_like(self.pred_masks)
        return type(self)(np.empty_like(self.pred_boxes), np.empty_like(self.pred_logits), masks)

    def copy_to(self, target: "RawOutputs") -> None:
        """Copy every output into `target`."""
        np.copyto(target.pred_boxes, self.pred_boxes)
        np.copyto(target.pred_logits, self.pred_logits)
        if self.pred_masks is not None and target.pred_masks is not None:
            np.copyto(target.pred_masks, self.pred_masks)

    def check(self) -> None:
        """Reject NaN and infinity: they would become plausible nonsense.

        Raises:
            EngineError: when there is one.
        """
        for name in ("pred_boxes", "pred_logits", "pred_masks"):
            values = getattr(self, name)
            # One cheap pass: a sum is finite unless a term is not (or it overflows, hence the 2nd).
            with np.errstate(over="ignore", invalid="ignore"):
                suspect = values is not None and not np.isfinite(values.sum())
            if suspect and not np.isfinite(values).all():
                raise EngineError(
                    f"The model output is invalid ({name} holds NaN or infinity);"
                    " try precision fp32 or export the model again."
                )


@dataclass(frozen=True, slots=True, eq=False)
class BoundNetwork:
    """The network with the buffers of one slot bound to it. One thread at a time."""

    network_input: F32Array
    """(1, 3, h, w) RGB, normalised; read by `run`."""
    raw: RawOutputs
    """Written by `run`."""
    run: Callable[[], None]
    """Runs the network from `network_input` to `raw`; blocks; releases the GIL."""


class HostBackend(Protocol):
    """A runtime that computes on the host and holds one network."""

    @property
    def name(self) -> str:
        """Name of the backend as in `config.BACKEND_NAMES`."""

    @property
    def device(self) -> str:
        """Where it runs, e.g. "CPU, 2 threads"."""

    @property
    def precision(self) -> str:
        """Precision read back from the network, e.g. "fp32"."""

    def bind(self) -> BoundNetwork:
        """Allocate one more set of buffers. Sets may run one after the other, not at once."""

    def call(self, network_input: F32Array) -> RawOutputs:
        """Run the network as any caller of the runtime would: nothing bound, new outputs.

        Only measured beside the bound network, never used for frames. Blocks.
        """

    def close(self) -> None:
        """Free the network; nothing bound may run any more. Idempotent."""
