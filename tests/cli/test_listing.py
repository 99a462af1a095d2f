"""Which backends are listed, without importing any of their packages."""

import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from rfviewer import listing
from rfviewer.extras import install_command


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that pretends that only these packages are installed."""

    def pretend(*packages: str) -> None:
        spec = SimpleNamespace(
            find_spec=lambda name: object() if name in packages else None,
        )
        monkeypatch.setattr(listing.importlib, "util", spec)

    return pretend


def test_a_gpu_backend_is_listed_once_all_its_packages_are_there(
    only: Callable[..., None],
) -> None:
    only("onnxruntime", "torch", "triton")
    assert listing.backend_needs() == {
        "onnxruntime": "",
        "torch": install_command("models"),
        "tensorrt": install_command("gpu"),
        "tensorrt-rtx": install_command("rtx"),
    }
    only("onnxruntime", "tensorrt_rtx")
    assert listing.backend_needs()["tensorrt-rtx"] == install_command("gpu")
    only("torch", "triton", "rfdetr", "tensorrt", "tensorrt_rtx_bindings")
    needs = listing.backend_needs()
    assert [name for name, need in needs.items() if need] == ["onnxruntime"]
    only()
    assert listing.backend_needs()["torch"] == install_command("gpu,models")


def test_looking_imports_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = set(sys.modules)
    assert listing.devices(as_json=False) == 0
    assert not {"torch", "triton", "tensorrt", "tensorrt_rtx"} & (set(sys.modules) - before)
    assert "backend    torch" in capsys.readouterr().out


@pytest.mark.parametrize("gpus", [[], ["NVIDIA Something, 8 GiB, driver 1"]])
def test_installing_gpu_packages_is_advised_only_where_a_gpu_is(
    only: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    gpus: list[str],
) -> None:
    only("onnxruntime")
    monkeypatch.setattr(listing, "list_gpus", lambda: gpus)
    assert listing.devices(as_json=False) == 0
    said = capsys.readouterr().out
    assert ("pip install" in said) == bool(gpus)
    assert ("cannot run here: there is no NVIDIA GPU" in said) == (not gpus)
