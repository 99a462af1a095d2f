"""ONNX Runtime, imported here and nowhere else: as a package that reports nothing.

Since 1.29 its Linux wheels write a device identifier into the home folder and send what models run
to their maker, unless the environment forbids it before the first import.
"""

from rfviewer.config import forbid_telemetry

forbid_telemetry()

import onnxruntime  # noqa: E402, TID251

__all__ = ["onnxruntime"]
