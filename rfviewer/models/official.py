"""The official RF-DETR models: a table, and the consent that two of them need.

Sizes, file names and licences: README and rfdetr/config.py of rfdetr 1.11.2, and rfdetr_plus 1.1.0.
Addresses and MD5 sums of the checkpoints are not repeated here: the export worker asks the
installed `rfdetr`, so that a corrected checkpoint arrives with an update of that package.
"""

from dataclasses import dataclass

from rfviewer.errors import ModelError, UsageError
from rfviewer.paths import config_dir, config_file

PML = "PML-1.0"
"""Platform Model License, which the two largest detection models are under."""
_APACHE = "Apache-2.0"
_CONSENT_FILE = "accepted_licences.txt"


@dataclass(frozen=True, slots=True)
class OfficialModel:
    """One checkpoint that Roboflow publishes."""

    name: str
    """Name in the registry."""
    class_name: str
    """Class in the `rfdetr` package."""
    filename: str
    """Checkpoint file name, the key of rfdetr's own table of addresses."""
    side_px: int
    """Network input width and height."""
    licence: str = _APACHE
    """SPDX-like name of the licence of the weights."""

    @property
    def has_masks(self) -> bool:
        """Whether it is a segmentation model; the others find boxes only."""
        return self.name.startswith("rfdetr-seg-")

    @property
    def needs_plus(self) -> bool:
        """Whether the class lives in the `rfdetr_plus` extension."""
        return self.licence == PML

    @property
    def description(self) -> str:
        """One line for lists."""
        task = "Segmentation" if self.has_masks else "Detection"
        return f"{task}, COCO, {self.side_px}x{self.side_px}"


OFFICIAL_MODELS: tuple[OfficialModel, ...] = (
    OfficialModel("rfdetr-seg-nano", "RFDETRSegNano", "rf-detr-seg-nano.pt", 312),
    OfficialModel("rfdetr-seg-small", "RFDETRSegSmall", "rf-detr-seg-small.pt", 384),
    OfficialModel("rfdetr-seg-medium", "RFDETRSegMedium", "rf-detr-seg-medium.pt", 432),
    OfficialModel("rfdetr-seg-large", "RFDETRSegLarge", "rf-detr-seg-large.pt", 504),
    OfficialModel("rfdetr-seg-xlarge", "RFDETRSegXLarge", "rf-detr-seg-xlarge.pt", 624),
    OfficialModel("rfdetr-seg-2xlarge", "RFDETRSeg2XLarge", "rf-detr-seg-xxlarge.pt", 768),
    OfficialModel("rfdetr-nano", "RFDETRNano", "rf-detr-nano.pth", 384),
    OfficialModel("rfdetr-small", "RFDETRSmall", "rf-detr-small.pth", 512),
    OfficialModel("rfdetr-medium", "RFDETRMedium", "rf-detr-medium.pth", 576),
    OfficialModel("rfdetr-large", "RFDETRLarge", "rf-detr-large-2026.pth", 704),
    OfficialModel("rfdetr-xlarge", "RFDETRXLarge", "rf-detr-xlarge.pth", 700, PML),
    OfficialModel("rfdetr-2xlarge", "RFDETR2XLarge", "rf-detr-xxlarge.pth", 880, PML),
)


def find_official(name: str) -> OfficialModel | None:
    """Return the official model of that registry name; None when there is none."""
    return next((model for model in OFFICIAL_MODELS if model.name == name), None)


def is_accepted(licence: str) -> bool:
    """Return whether weights under `licence` may be used: Apache always, others on consent."""
    if licence == _APACHE:
        return True
    try:
        text = config_file(_CONSENT_FILE).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):  # the latter: HOME=/dev/null, as for services
        return False
    except OSError as error:
        raise ModelError(f"The list of accepted licences cannot be read ({error}).") from error
    return licence in text.split()


def accept_licence(licence: str) -> None:
    """Record that the user accepts `licence`.

    Raises:
        UsageError: no model is under that licence.
        RfviewerError: the consent cannot be saved.
    """
    if licence != PML:
        raise UsageError(f"No model needs consent to {licence}; the only such licence is {PML}.")
    if is_accepted(licence):
        return
    try:
        with (config_dir() / _CONSENT_FILE).open("a", encoding="utf-8") as file:
            file.write(f"{licence}\n")
    except OSError as error:
        raise ModelError(f"The consent cannot be saved ({error}).") from error
