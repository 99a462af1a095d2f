"""The seam to the GPU engine, with a fake TensorRT and just enough of a fake torch.

Says that the right tensors reach the right names and streams. What a GPU does with them is only
seen on one.
"""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from rfviewer.config import EngineConfig
from rfviewer.engine.plans import gpu
from rfviewer.models.spec import ModelSpec
from tests.engine_plans.conftest import RTX_4090
from tests.engine_plans.fake_tensorrt import build_pids

pytest.importorskip("onnx")

ROOM = ("rfviewer.engine.cuda.network", "rfviewer.engine.backends.tensorrt_network")


class FakeTensor:
    made: list["FakeTensor"] = []  # noqa: RUF012 - shared on purpose

    def __init__(self, shape: tuple[int, ...], dtype: str, device: object) -> None:
        self.shape, self.dtype, self.device = shape, dtype, device
        self.made.append(self)

    def data_ptr(self) -> int:
        return 1000 + self.made.index(self)


@pytest.fixture
def network_class(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return TensorRtNetwork as it is with the fake torch."""
    torch: Any = ModuleType("torch")
    torch.Tensor, torch.float32, torch.float16 = FakeTensor, "float32", "float16"
    torch.device = lambda kind, index: (kind, index)
    torch.zeros = lambda shape, dtype, device: FakeTensor(shape, dtype, device)
    torch.cuda = SimpleNamespace(
        Stream=SimpleNamespace,
        Event=SimpleNamespace,
        current_device=lambda: 1,
        get_device_properties=lambda device: SimpleNamespace(uuid=f"uuid-of-{device[1]}"),
    )
    saved = {name: sys.modules.pop(name, None) for name in ROOM}
    monkeypatch.setitem(sys.modules, "torch", torch)
    FakeTensor.made = []
    tensorrt_network = importlib.import_module(ROOM[1])
    asked: list[str] = []
    monkeypatch.setattr(tensorrt_network, "find_gpu", lambda uuid: asked.append(uuid) or RTX_4090)
    yield tensorrt_network.TensorRtNetwork
    assert set(asked) == {"GPU-uuid-of-1"}
    for name in ROOM:
        parent, _, child = name.rpartition(".")
        sys.modules.pop(name, None)
        delattr(sys.modules[parent], child)
        if saved[name] is not None:
            sys.modules[name] = saved[name]
            setattr(sys.modules[parent], child, saved[name])


def test_from_model_to_bound_slots(
    network_class: Any, rtx: Any, spec: ModelSpec, cache: Path, fakes: Path
) -> None:
    kind = rtx.module.DataType.FLOAT
    shapes = {
        "input": (1, 3, 24, 24), "dets": (1, 5, 4), "labels": (1, 5, 91), "masks": (1, 5, 6, 6)
    }  # fmt: skip
    rtx.module.Engine.tensors = {name: (shape, kind) for name, shape in shapes.items()}
    steps: list[str] = []
    network = network_class(
        "tensorrt-rtx", spec, EngineConfig(), lambda step, *_: steps.append(step)
    )
    assert (network.name, network.precision) == ("tensorrt-rtx", "fp16")
    assert network.form.startswith("TensorRT for RTX 1.7.1.116, engine built 20")
    assert network.input_hw == (24, 24)
    assert (network.num_queries, network.num_classes, network.mask_hw) == (5, 91, (6, 6))
    assert steps[-1] == "Loading the engine"

    first, second = network.bind(), network.bind()
    stream = SimpleNamespace(cuda_stream=4711)
    outputs = first.enqueue(stream)
    assert outputs.boxes.shape == (1, 5, 4)
    assert outputs.logits.shape == (1, 5, 91)
    assert outputs.masks.shape == (1, 5, 6, 6)
    assert first.enqueue(stream).boxes is outputs.boxes, "a captured graph writes these"
    assert second.network_input is not first.network_input
    one, two = rtx.module.Engine.contexts
    assert one.streams == [4711, 4711]
    assert two.streams == []
    assert one.addresses["input"] == first.network_input.data_ptr()
    assert one.addresses["dets"] == outputs.boxes.data_ptr()
    assert set(one.addresses.values()).isdisjoint(two.addresses.values())
    network.close()

    network_class("tensorrt-rtx", spec, EngineConfig(), lambda *_: None)
    assert len(build_pids(fakes)) == 1


def test_gpu_is_asked_by_its_uuid(monkeypatch: pytest.MonkeyPatch) -> None:
    library = gpu.pynvml
    for name, answer in (
        ("nvmlInit", lambda: None),
        ("nvmlShutdown", lambda: None),
        ("nvmlDeviceGetHandleByUUID", lambda uuid: f"handle of {uuid}"),
        ("nvmlDeviceGetCudaComputeCapability", lambda handle: (12, 0)),
        ("nvmlDeviceGetName", lambda handle: f"name of {handle}"),
        ("nvmlSystemGetDriverVersion", lambda: "580.65"),
    ):
        monkeypatch.setattr(library, name, answer)
    found = gpu.find_gpu("GPU-7")
    assert (found.name, found.sm, found.driver) == ("name of handle of GPU-7", "sm120", "580.65")
