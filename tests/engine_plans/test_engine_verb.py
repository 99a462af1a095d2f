"""`rfviewer engine` from the command line."""

import json
from pathlib import Path

import pytest

from rfviewer.cli import main
from rfviewer.engine.plans import gpu
from rfviewer.models.spec import ModelSpec
from tests.models import tiny_onnx

pytest.importorskip("onnx")


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["engine", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_build_list_clear(
    fakes: Path, cache: Path, spec: ModelSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("build", "--model", str(spec.onnx_path), "--target", "sm89", "--json")
    code, out, err = run(capsys, *words)
    report = json.loads(out)
    assert code == 0
    assert report["precision"] == "fp16"
    assert report["bytes"] == Path(report["path"]).stat().st_size
    assert report["seconds"] >= 0
    assert report["built"]
    assert report["gpu"] == {"name": "any", "sm": "sm89", "driver": "any"}
    assert "Building the engine" in err
    assert not json.loads(run(capsys, *words)[1])["built"]

    (entry,) = json.loads(run(capsys, "--json", "list")[1])["engines"]
    assert entry["path"] == report["path"]
    assert "tiny.onnx" in run(capsys, "list")[1]
    assert json.loads(run(capsys, "clear", "--json")[1])["removed"] == 1
    assert run(capsys, "list")[1] == "No engine was built yet.\n"


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--target", "rtx4090"], 2, "a GPU generation such as sm89, got rtx4090"),
        (["--target", "sm90"], 1, "no engines for sm90 GPUs, only for sm75, sm89, sm120"),
        (["--target", "sm89", "--backend", "tensorrt"], 2, "builds only for the GPU of this"),
        (["--target", "sm89", "--model", "missing.onnx"], 1, "There is no model file"),
    ],
)
def test_wrong_requests_are_one_sentence(
    fakes: Path,
    cache: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    sentence: str,
) -> None:
    found, out, err = run(capsys, "build", *words)
    assert (found, out) == (code, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_without_a_gpu_the_sentence_names_the_way_out(
    fakes: Path, cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise gpu.pynvml.NVMLError(gpu.pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(gpu.pynvml, "nvmlInit", fail)
    code, _, err = run(capsys, "build")
    assert code == 1
    assert "--target sm89" in err


def test_a_failed_build_tells_why(
    fakes: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (fakes / "fail").touch()
    path = tiny_onnx.write(tmp_path / "mine.onnx", tiny_onnx.rfdetr_like())
    code, _, err = run(capsys, "build", "--model", str(path), "--target", "sm89")
    assert code == 1
    assert "Myelin (FP32 GEMM)" in err
