"""Every kernel compiles to machine code for each supported GPU generation, with no GPU here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("capability", ["75", "90"])
def test_every_kernel_compiles(capability):
    paths = (ROOT / "kernels", ROOT / "packaging" / "gpu")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    environment.pop("TRITON_INTERPRET", None)
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("compile_offline.py")), capability],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    compiled = done.stdout.splitlines()
    assert len(compiled) == 15
    assert all(line.startswith(capability) and ":" in line for line in compiled)
