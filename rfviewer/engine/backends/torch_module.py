"""RF-DETR as a torch module in export form, from the demo weights or from a checkpoint.

Needs torch and rfdetr. A checkpoint goes through the weights-only loader first: it cannot run code.
"""

import warnings
from typing import Any

import torch

from rfviewer.config import forbid_hub_downloads
from rfviewer.errors import EngineError, ModelError
from rfviewer.extras import install_command
from rfviewer.models.export_worker import Refused, check_weights_only
from rfviewer.models.official import find_official
from rfviewer.models.spec import ModelSpec


def build_module(spec: ModelSpec) -> torch.nn.Module:
    """Return the network of `spec` on the CPU, fp32, eval mode, export form, without gradients.

    Its forward takes (1, 3, h, w) and returns (boxes, class logits[, mask logits]).

    Raises:
        EngineError: rfdetr is missing, or there are no torch weights for this model.
        ModelError: the checkpoint is damaged or refused.
    """
    try:
        forbid_hub_downloads()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # rfdetr and its packages warn about each other
            import rfdetr

            network = _network(rfdetr, spec)
    except ImportError as error:
        raise EngineError(
            f"The backend torch builds {spec.name} with the package rfdetr ({error});"
            f" install it with: {install_command('models')}."
        ) from error
    network.eval()
    network.export()
    return network.requires_grad_(requires_grad=False)


def _network(rfdetr: Any, spec: ModelSpec) -> Any:  # noqa: ANN401 - untyped package
    if spec.weights is not None:
        # The one store of weights without a checkpoint is the demo model's, a Seg Nano.
        network = rfdetr.RFDETRSegNano(pretrain_weights=None, group_detr=4, device="cpu")
        weights = {name: torch.from_numpy(a) for name, a in spec.weights.state_dict().items()}
        network.model.model.load_state_dict(weights, strict=True)
        return network.model.model
    if spec.checkpoint is None or not spec.checkpoint.is_file():
        raise EngineError(
            f"The backend torch needs the checkpoint of {spec.name}, and there is only an ONNX"
            " graph; give the .pth file or choose another backend."
        )
    try:
        check_weights_only(torch, spec.checkpoint)
    except Refused as error:
        raise ModelError(str(error)) from error
    official = find_official(spec.name)
    if official is not None:
        model_class = getattr(rfdetr, official.class_name)
        return model_class(pretrain_weights=str(spec.checkpoint), device="cpu").model.model
    return rfdetr.RFDETR.from_checkpoint(str(spec.checkpoint), device="cpu").model.model
