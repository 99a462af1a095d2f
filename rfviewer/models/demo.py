"""The embedded demo model as the registry hands it out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import override

from rfviewer.models.class_names import COCO_COUNT, coco_names
from rfviewer.models.demo_weights import GRAPH_FILE, iter_demo_initializers, load_demo_state_dict
from rfviewer.models.spec import F32Array, ModelSpec, WeightStore
from rfviewer.paths import resource

DEMO_CLASS_IDS = frozenset({1, 3, 4, 6, 8})
"""What the demo model was trained on, as COCO ids: person, car, motorcycle, bus, truck."""


@dataclass(frozen=True, slots=True)
class DemoWeights(WeightStore):
    """The int8 store of the demo model; every call reads the file again and keeps nothing."""

    folder: Path
    """resources/demo_model."""

    @override
    def onnx_initializers(self) -> Mapping[str, F32Array]:
        return dict(iter_demo_initializers(self.folder))

    @override
    def state_dict(self) -> Mapping[str, F32Array]:
        return load_demo_state_dict(self.folder)


def demo_spec() -> ModelSpec:
    """Return the demo model: RF-DETR-Seg-Nano at 312x312, five classes of a drawn world.

    Raises:
        RfviewerError: the model is not part of this installation.
    """
    folder = resource("demo_model")
    names = coco_names()
    return ModelSpec(
        name="demo",
        onnx_path=folder / GRAPH_FILE,
        input_wh=(312, 312),
        class_names=tuple(
            names[class_id] if class_id in DEMO_CLASS_IDS else None
            for class_id in range(COCO_COUNT)
        ),
        has_masks=True,
        num_select=100,
        weights=DemoWeights(folder),
    )
