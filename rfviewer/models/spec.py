"""What the registry hands to a backend: one network, ready to be loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

type F32Array = NDArray[np.float32]


class WeightStore(Protocol):
    """Weights kept beside a weightless ONNX graph."""

    def onnx_initializers(self) -> Mapping[str, F32Array]:
        """Return every external initialiser of the graph by name, fp32."""

    def state_dict(self) -> Mapping[str, F32Array]:
        """Return the weights under the torch module's `state_dict` names, fp32."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One RF-DETR network and what its outputs mean."""

    name: str
    """Registry name, or file name for a user's model."""
    onnx_path: Path | None
    """The ONNX graph; None for "none", which has no network."""
    input_wh: tuple[int, int]
    """Network input width and height in pixels; (0, 0) for "none"."""
    class_names: tuple[str | None, ...]
    """Name per class id; None for ids without a name. Its length is the number of class logits."""
    has_masks: bool
    """Whether the graph has mask logits."""
    num_select: int
    """How many (query, class) pairs are kept at most: K of the postprocess, 100 for Seg Nano."""
    weights: WeightStore | None = None
    """Weights of a weightless graph; None when the ONNX file holds its own."""
    checkpoint: Path | None = None
    """Torch checkpoint (.pth) when there is one, for the torch backend."""
