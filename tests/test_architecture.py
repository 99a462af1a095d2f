"""What each process may import, checked in fresh interpreters."""

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "triton", "tensorrt", "rfdetr", "onnx"}
QT = {"PySide6", "pyqtgraph"}


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["rfviewer.gui.main_window", "rfviewer.app"])
def test_the_window_loads_no_gpu_library_and_no_engine(module: str) -> None:
    loaded = modules_after(f"import {module}")
    assert "PySide6" in loaded  # pyqtgraph comes with the first plot, after the first paint
    assert not loaded & (HEAVY | {"onnxruntime"})


@pytest.mark.parametrize("module", ["rfviewer.compose", "rfviewer.session.child"])
def test_the_engine_process_loads_no_qt(module: str) -> None:
    loaded = modules_after(f"import {module}")
    assert not loaded & (QT | HEAVY)


def test_the_command_line_loads_nothing_heavy() -> None:
    loaded = modules_after("import rfviewer.cli")
    assert not loaded & (QT | HEAVY | {"onnxruntime", "cv2", "av", "numpy"})


def test_measuring_needs_no_package_of_the_window() -> None:
    """As on a machine for computing: nothing of Qt is installed there."""
    block = "import sys; sys.modules.update(dict.fromkeys(('PySide6', 'shiboken6', 'pyqtgraph')))"
    words = ["ab", "synthetic:64x48@25,frames=4", "--model", "none", "--rounds", "1", "--json"]
    code = f"{block}; sys.argv[1:] = {words}; from rfviewer.__main__ import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"].startswith("too few rounds to tell")
