"""What the tests of the command line share."""

from pathlib import Path

import av
import numpy as np
import pytest

from tests.cli.program import CLIP_FRAMES
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


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The working folder of the program, with its own folders below it."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A video of so few frames that an export of it is soon done."""
    path = tmp_path / "clip.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(CLIP_FRAMES):
            image = np.full((48, 64, 3), index * 10, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
    return path
