"""Nothing is reported to anybody: the runtime's telemetry leaves no trace in the home folder."""

import os
import subprocess
import sys

RUN = """
import sys
import numpy as np
from pathlib import Path
from rfviewer.config import EngineConfig
from rfviewer.engine.backends.onnxruntime import OrtBackend
from rfviewer.models.spec import ModelSpec
from tests.engine.tiny_onnx import write_tiny_onnx
outputs = {
    "dets": np.zeros((1, 2, 4)), "labels": np.zeros((1, 2, 3)), "masks": np.zeros((1, 2, 4, 4)),
}
path = write_tiny_onnx(Path(sys.argv[1]) / "tiny.onnx", outputs, (1, 3, 8, 8))
spec = ModelSpec("tiny", path, (8, 8), ("a",) * 3, has_masks=True, num_select=2)
backend = OrtBackend(spec, EngineConfig(), lambda step: None)
backend.bind().run()
backend.close()
import os
print("telemetry", os.environ["ORT_DISABLE_TELEMETRY"])
"""


def test_running_a_model_leaves_nothing_at_home(tmp_path):
    home, models = tmp_path / "home", tmp_path / "models"
    home.mkdir()
    models.mkdir()
    # Neither a wish of the developer's nor what marks a build machine, which is never reported.
    dropped = {"ORT_DISABLE_TELEMETRY", "CI", "XDG_CACHE_HOME", "GITHUB_ACTIONS", "GITLAB_CI"}
    surroundings = {key: value for key, value in os.environ.items() if key not in dropped}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(models)],
        env=surroundings | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "telemetry 1"
    assert [path.name for path in home.rglob("*") if "onnxruntime" in path.name.lower()] == []
    assert not list(home.rglob("deviceid*"))
