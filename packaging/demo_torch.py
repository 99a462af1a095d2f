"""The demo model as the unmodified `rfdetr` torch model. Needs torch and rfdetr 1.11.2."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from rfviewer.models.demo_weights import load_demo_state_dict

if TYPE_CHECKING:
    from rfdetr import RFDETRSegNano

REPOSITORY = Path(__file__).resolve().parent.parent
DEMO_FOLDER = REPOSITORY / "resources" / "demo_model"
RESOLUTION = 312


def build_demo_model(folder: Path = DEMO_FOLDER) -> "RFDETRSegNano":
    """Return RFDETRSegNano on the CPU, in eval mode, with the dequantized demo weights loaded."""
    from rfdetr import RFDETRSegNano

    wrapper = RFDETRSegNano(pretrain_weights=None, group_detr=4, device="cpu")
    network = wrapper.model.model
    weights = {key: torch.from_numpy(array) for key, array in load_demo_state_dict(folder).items()}
    network.load_state_dict(weights, strict=True)
    network.eval()
    return wrapper
