"""Safe mode: what works when anything that is set, cached or special to a GPU is at fault."""

from dataclasses import replace

from rfviewer.config import EngineConfig, Playback, Settings
from rfviewer.decode import Decode
from rfviewer.optimizations import Optimizations


def safe_settings() -> Settings:
    """Return default settings on the CPU: no settings file, no CUDA, no graph, no cached engine.

    The demo model on ONNX Runtime, one frame in flight. Should the user choose a GPU backend
    meanwhile, it starts without a CUDA graph and with the network as rfdetr wrote it.
    """
    optimizations = replace(Optimizations(), cuda_graph=False, fused_network=False, depth=1)
    return Settings(
        engine=EngineConfig(backend="onnxruntime", cuda=False),
        optimizations=optimizations,
        playback=Playback(decode=Decode.CPU),
    )
