"""Where the kernels of this room run: a CUDA device, or Triton's interpreter on the CPU.

The interpreter is chosen before triton is first imported, since `triton.jit` reads it then.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

_HAS_TORCH = importlib.util.find_spec("torch") is not None
_HAS_TRITON = importlib.util.find_spec("triton") is not None

if _HAS_TORCH:
    import torch

    if not torch.cuda.is_available():
        os.environ.setdefault("TRITON_INTERPRET", "1")
    _INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"

collect_ignore_glob = [] if _HAS_TORCH and _HAS_TRITON else ["test_*.py"]


@pytest.fixture(scope="session")
def device():
    """The device of every tensor of a kernel under test."""
    return torch.device("cpu") if _INTERPRETED else torch.device("cuda", 0)


@pytest.fixture(scope="session")
def run_offline():
    """Return what runs a script of this folder without the interpreter and returns its output."""
    root = Path(__file__).resolve().parents[2]

    def run(script, *arguments):
        paths = [str(root / "kernels"), str(root / "packaging" / "gpu")]
        paths += filter(None, [os.environ.get("PYTHONPATH")])
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        environment.pop("TRITON_INTERPRET", None)
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name(script)), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run


@pytest.fixture
def rng(device):
    """Fixed random numbers on the device."""
    return torch.Generator(device=device).manual_seed(7)


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.needs_torch)
        if item.get_closest_marker("needs_cuda") and _HAS_TORCH and _INTERPRETED:
            item.add_marker(pytest.mark.skip(reason="no CUDA device, or the interpreter is on"))
