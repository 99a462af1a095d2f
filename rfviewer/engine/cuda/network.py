"""What the GPU engine knows about a network: one set of bound buffers a slot, and an enqueue.

The seam between the engine and every GPU backend (torch, TensorRT). The names of RF-DETR's exported
outputs (`dets`, `labels`, `masks`) end behind it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from rfviewer.optimizations import Optimizations


@dataclass(frozen=True, slots=True, eq=False)
class DeviceOutputs:
    """Raw outputs of one pass over N frames, on the device, each fp16 or fp32."""

    boxes: torch.Tensor
    """(N, Q, 4) cx, cy, w, h relative to the frame, not clamped; last dimension side by side."""
    logits: torch.Tensor
    """(N, Q, C) class logits; last dimension side by side, rows may lie apart."""
    masks: torch.Tensor | None
    """(N, Q, h, w) mask logits, contiguous; None for detection-only models."""

    def row(self, index: int) -> "DeviceOutputs":
        """Return the outputs of one frame, N = 1: the same memory."""
        masks = None if self.masks is None else self.masks[index : index + 1]
        return DeviceOutputs(self.boxes[index : index + 1], self.logits[index : index + 1], masks)


class BoundNetwork(Protocol):
    """The network with the buffers of one slot: a TensorRT execution context, or a torch callable.

    Bound networks of one `DeviceNetwork` run at the same time on different streams, so they share
    nothing that a run writes. Made, used and freed on the engine thread.
    """

    @property
    def network_input(self) -> torch.Tensor:
        """(N, 3, h, w) fp16 or fp32 RGB, normalised: the same tensor always; any strides."""

    @property
    def tells_nearly_done(self) -> bool:
        """Whether the form that `enqueue` runs now can tell shortly before a pass is done."""

    def enqueue(
        self, stream: torch.cuda.Stream, nearly_done: torch.cuda.Event | None = None
    ) -> DeviceOutputs:
        """Put one pass on `stream`, which is also torch's current one, and return where it ends up.

        Where it can tell, `nearly_done` is recorded a decoder layer before the end. The host
        launches the next pass then, which the device holds back until this network is done: none
        of the host's time lies between the two.

        No wait, nothing read back, no allocation that a captured graph would not own: the engine
        captures this call. The outputs stay valid until the next `enqueue`; after a capture they
        are what every replay overwrites.
        """


class DeviceNetwork(Protocol):
    """One network loaded on the GPU. Made, used and freed on the engine thread."""

    @property
    def name(self) -> str:
        """Name of the backend as in `config.BACKEND_NAMES`."""

    @property
    def form(self) -> str:
        """How it runs, in a few words, e.g. "traced" or "engine built 2026-11-23"."""

    @property
    def precision(self) -> str:
        """Precision read back from the network, e.g. "fp16"."""

    @property
    def input_hw(self) -> tuple[int, int]:
        """Height and width of the network input in pixels."""

    @property
    def num_queries(self) -> int:
        """Q."""

    @property
    def num_classes(self) -> int:
        """C, the number of class logits."""

    @property
    def mask_hw(self) -> tuple[int, int] | None:
        """Height and width of the mask logits; None for detection-only models."""

    @property
    def batch_obstacle(self) -> str:
        """Why one pass cannot take several frames, in a few words; empty when it can."""

    def bind(self, batch: int = 1) -> BoundNetwork:
        """Allocate the buffers of one more slot: the backend knows type and layout.

        Args:
            batch: N, frames of one pass; above 1 only without a `batch_obstacle`. The first slot
                of another number may take seconds.

        Raises:
            EngineError: one sentence, e.g. that the memory does not suffice.
        """

    def close(self) -> None:
        """Free the network; nothing bound may run any more. Idempotent."""


@runtime_checkable
class FusableNetwork(Protocol):
    """A network with a second form, written out in few launches. Only the torch backend has one."""

    @property
    def fused_obstacle(self) -> str:
        """Why this model has no fused form; empty when it has."""

    @property
    def dependent_obstacle(self) -> str:
        """Why this GPU cannot launch its kernels dependently; empty when it can."""

    def use_form(self, *, fused: bool, dependent: bool, batch: int) -> bool:
        """Let every later `enqueue` run the fused form, or the plain one; return if that changed.

        `dependent` launches the kernels of the fused form dependently, where the GPU can. Graphs
        captured before keep their form. The plain form of another `batch` takes seconds.

        Raises:
            EngineError: the form cannot be had; the one before stays in use.
        """


def choose_form(network: DeviceNetwork, wanted: Optimizations) -> tuple[bool, Mapping[str, str]]:
    """Let `network` run the form for `wanted` from now on.

    Returns:
        Whether that is another one than before, and by optimization why the network cannot do it.

    Raises:
        EngineError: the form cannot be had; the one before stays in use.
    """
    has_changed, no_fused, no_dependent = False, f"{network.name} has one form only", ""
    if isinstance(network, FusableNetwork):
        has_changed = network.use_form(
            fused=wanted.fused_network,
            dependent=wanted.dependent_launch,
            batch=1 if network.batch_obstacle else wanted.micro_batch,
        )
        no_fused, no_dependent = network.fused_obstacle, network.dependent_obstacle
    obstacles = {
        "fused_network": no_fused,
        "dependent_launch": no_fused or no_dependent,
        "micro_batch": network.batch_obstacle,
    }
    return has_changed, {name: reason for name, reason in obstacles.items() if reason}
