"""Fixtures of the GPU engine's room: a tiny network, the demo network, and engines that get closed.

The pure parts run anywhere; the rest needs a CUDA device, and the demo network rfdetr besides.
"""

import importlib.util
import os

import pytest

_HAS_TORCH = all(importlib.util.find_spec(name) for name in ("torch", "triton"))

_NEED_TORCH = [
    "test_copy_out.py",
    "test_demo.py",
    "test_early_launches.py",
    "test_engine.py",
    "test_forms.py",
    "test_memory.py",
    "test_micro_batch.py",
    "test_overlay.py",
    "test_pictures.py",
    "test_plain.py",
    "test_prepare.py",
    "test_replayed_parts.py",
    "test_toggle_effects.py",
]
collect_ignore = [] if _HAS_TORCH else _NEED_TORCH

if _HAS_TORCH:
    import torch

    if not torch.cuda.is_available():
        # Read when triton is first imported: the kernels then run in its interpreter.
        os.environ.setdefault("TRITON_INTERPRET", "1")


def pytest_collection_modifyitems(items):
    if _HAS_TORCH:
        import torch

        if torch.cuda.is_available():
            return
    required = os.environ.get("RFVIEWER_REQUIRE_CUDA") == "1"
    for item in items:
        if item.get_closest_marker("needs_cuda") and not required:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


@pytest.fixture
def make():
    """Return a function that makes a GPU engine; all are closed at the end of the test."""
    from rfviewer.config import EngineConfig, ResizeMode
    from rfviewer.engine.cuda.engine import CudaEngine
    from rfviewer.optimizations import Optimizations
    from rfviewer.pipeline.threads import start_thread
    from tests.engine_cuda.fake_network import SPEC, FakeNetwork

    engines = []

    def build(optimizations=None, network=None, spec=SPEC, resize=ResizeMode.A):
        engine = CudaEngine(
            network or FakeNetwork(),
            spec,
            EngineConfig(resize=resize),
            optimizations or Optimizations(depth=1),
            backend_reason="asked for by name",
            start_thread=start_thread,
        )
        engines.append(engine)
        return engine

    yield build
    for engine in engines:
        engine.close()


@pytest.fixture
def wanted(make):
    """What one slot with everything on finds in the frames."""
    from tests.engine_cuda.fake_network import FRAMES, digests, run_all

    results = run_all(make(), FRAMES)
    assert sum(len(result.detections) for result in results) > len(FRAMES)
    return digests(results)


def _demo(precision):
    pytest.importorskip("rfdetr")
    from rfviewer.config import EngineConfig
    from rfviewer.engine.backends.torch_network import TorchNetwork
    from rfviewer.models.demo import demo_spec
    from tests.engine_cuda.fake_network import Kept

    network = TorchNetwork(demo_spec(), EngineConfig(precision=precision), lambda step: None)
    assert network.precision == precision
    yield Kept(network)
    network.close()


@pytest.fixture(scope="session")
def demo_network():
    """The demo model in fp16, loaded once; engines may close it as they like."""
    yield from _demo("fp16")


@pytest.fixture(scope="session")
def demo_network_fp32():
    """The same in fp32."""
    yield from _demo("fp32")


@pytest.fixture(scope="session")
def clip():
    """Every frame of the demo clip."""
    import cv2

    from rfviewer.frame import Frame
    from rfviewer.paths import resource

    reader, frames = cv2.VideoCapture(str(resource("demo_clip.mp4"))), []
    while True:
        good, image = reader.read()
        if not good:
            return frames
        height, width = image.shape[:2]
        frames.append(Frame(image, width, height, len(frames), len(frames) / 30, 0))
