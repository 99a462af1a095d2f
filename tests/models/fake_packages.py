"""Stand-ins for torch, onnx and rfdetr, for the export worker's child process.

A "checkpoint" is a JSON file. Its entry `act` makes the fake export misbehave on purpose.
"""

import json
from pathlib import Path

from tests.models import tiny_onnx

TORCH = """
import json, contextlib, pickle
from types import SimpleNamespace
__version__ = "{version}"
serialization = SimpleNamespace(safe_globals=lambda allowed: contextlib.nullcontext())
def load(path, map_location, weights_only):
    assert weights_only is True
    with open(path) as file:
        content = json.load(file)
    if content.get("act") == "pickle":
        raise pickle.UnpicklingError("Trying to load unsupported GLOBAL posix.system whose module")
    return content
"""

RFDETR = """
import json, os, pathlib, shutil, signal, sys, time
from types import SimpleNamespace
HERE = pathlib.Path(__file__).parent
class RFDETR:
    def __init__(self, pretrain_weights, device):
        assert device == "cpu"
        self.content = json.loads(pathlib.Path(pretrain_weights).read_text())
        self.model = SimpleNamespace(class_names=self.content.get("class_names"))
        self.model_config = SimpleNamespace(num_select=self.content.get("num_select", 5))
    @classmethod
    def from_checkpoint(cls, path, device):
        if "unnamed" in path:
            raise ValueError("Could not infer model class from checkpoint")
        return cls(path, device)
    def export(self, output_dir, opset_version, output_name, verbose):
        print("noise of a library")
        act = self.content.get("act")
        with (HERE / "exports.log").open("a") as file:
            file.write("x")
        if act == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if act == "raise":
            raise RuntimeError("layer 3 is odd\\nand more")
        if act == "hang":
            (HERE / "hanging").write_text(str(os.getpid()))
            time.sleep(60)
        target = pathlib.Path(output_dir) / (output_name + ".onnx")
        shutil.copyfile(HERE / self.content.get("onnx", "seg.onnx"), target)
        return target
class RFDETRSegNano(RFDETR):
    pass
"""

ASSETS = """
import json, pathlib
from types import SimpleNamespace
HERE = pathlib.Path(__file__).parents[2]
class ModelWeights:
    @staticmethod
    def from_filename(name):
        entry = json.loads((HERE / "assets.json").read_text()).get(name)
        return SimpleNamespace(**entry) if entry else None
def get_model_cache_dir():
    return str(HERE / "roboflow_cache")
"""


def install(folder: Path, *, torch_version: str = "2.14.1") -> Path:
    """Write the packages into `folder`, to be put on PYTHONPATH; return it."""
    for name in ("torch", "onnx", "rfdetr", "rfdetr/assets"):
        (folder / name).mkdir(parents=True)
    (folder / "torch" / "__init__.py").write_text(TORCH.format(version=torch_version))
    (folder / "onnx" / "__init__.py").write_text("")
    (folder / "rfdetr" / "__init__.py").write_text(RFDETR)
    (folder / "rfdetr" / "assets" / "__init__.py").write_text(ASSETS)
    (folder / "assets.json").write_text("{}")
    seg = tiny_onnx.rfdetr_like()
    (folder / "rfdetr" / "seg.onnx").write_bytes(seg)
    (folder / "rfdetr" / "det.onnx").write_bytes(tiny_onnx.rfdetr_like(mask_side=None, classes=3))
    return folder


def checkpoint(path: Path, **content: object) -> Path:
    """Write a fake checkpoint."""
    path.write_text(json.dumps({"model": {}, **content}))
    return path


def export_count(folder: Path) -> int:
    """Return how often the fake exporter ran."""
    log = folder / "rfdetr" / "exports.log"
    return len(log.read_text()) if log.exists() else 0
