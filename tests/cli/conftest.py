"""What the tests of the command line share."""

from pathlib import Path

import numpy as np
import pytest

from tests.engine.tiny_onnx import write_tiny_onnx


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    """A network of a few bytes: the time goes into our own stages."""
    rng = np.random.default_rng(1)
    outputs = {
        "dets": rng.uniform(0.2, 0.8, (1, 9, 4)),
        "labels": rng.normal(0, 2, (1, 9, 3)),
        "masks": rng.normal(0, 2, (1, 9, 5, 7)),
    }
    return str(write_tiny_onnx(tmp_path / "tiny.onnx", outputs))
