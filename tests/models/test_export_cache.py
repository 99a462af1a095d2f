"""Checkpoints become ONNX once, through a child process, and never half-way."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rfviewer.errors import ModelError
from rfviewer.extras import install_command
from rfviewer.models import export_cache
from rfviewer.models.export_cache import exported_checkpoint
from rfviewer.models.spec import ModelSpec
from tests.models import fake_packages
from tests.models.fake_packages import checkpoint, export_count

type Steps = list[tuple[str, int, int]]


def export(path: Path, steps: Steps | None = None) -> ModelSpec:
    def progress(step: str, index: int, count: int) -> None:
        if steps is not None and (step, index, count) not in steps[-1:]:
            steps.append((step, index, count))

    return exported_checkpoint(path, progress, version="1.11.2")


def leftovers(cache: Path) -> list[str]:
    """Return what lies in the store except locks."""
    return sorted(p.name for p in (cache / "models").iterdir() if p.suffix != ".lock")


def test_export_describes_the_network(cache: Path, fakes: Path, tmp_path: Path) -> None:
    steps: Steps = []
    path = checkpoint(tmp_path / "mine.pth", num_select=3)
    spec = export(path, steps)
    assert spec.name == "mine.pth"
    assert spec.input_wh == (24, 24)
    assert spec.has_masks
    assert spec.num_select == 3
    assert spec.class_names[1] == "person"
    assert spec.checkpoint == path
    assert spec.onnx_path is not None
    assert spec.onnx_path.is_relative_to(cache)
    assert spec.onnx_path.read_bytes() == (fakes / "rfdetr" / "seg.onnx").read_bytes()
    assert [index for _, index, _ in steps] == sorted(index for _, index, _ in steps)
    assert len(leftovers(cache)) == 1


def test_detection_only_and_own_class_names(cache: Path, fakes: Path, tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "mine.pth", onnx="det.onnx", class_names=["cat", "dog"])
    spec = export(path)
    assert not spec.has_masks
    assert spec.class_names == ("cat", "dog", None)


def test_second_use_needs_no_child(cache: Path, fakes: Path, tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "mine.pth")
    first = export(path)
    assert export(path) == first
    assert export_count(fakes) == 1
    # The extra may be uninstalled afterwards.
    assert exported_checkpoint(path, lambda *_: None).onnx_path == first.onnx_path


def test_changed_checkpoint_is_another_export(cache: Path, fakes: Path, tmp_path: Path) -> None:
    first = export(checkpoint(tmp_path / "mine.pth", num_select=1))
    second = export(checkpoint(tmp_path / "mine.pth", num_select=2))
    assert first.onnx_path != second.onnx_path
    assert second.num_select == 2


def test_damaged_export_is_made_again(cache: Path, fakes: Path, tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "mine.pth")
    first = export(path)
    assert first.onnx_path is not None
    content = bytearray(first.onnx_path.read_bytes())
    content[-5] ^= 1
    first.onnx_path.write_bytes(content)
    assert export(path) == first
    assert first.onnx_path.read_bytes() == (fakes / "rfdetr" / "seg.onnx").read_bytes()
    assert export_count(fakes) == 2


def test_export_linked_elsewhere_is_not_used(cache: Path, fakes: Path, tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "mine.pth")
    first = export(path)
    assert first.onnx_path is not None
    outside = shutil.move(first.onnx_path, tmp_path / "outside.onnx")
    first.onnx_path.symlink_to(outside)
    second = export(path)
    assert second.onnx_path is not None
    assert not second.onnx_path.is_symlink()


def test_unreadable_manifest_is_ignored(cache: Path, fakes: Path, tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "mine.pth")
    first = export(path)
    assert first.onnx_path is not None
    (first.onnx_path.parent / "manifest.json").write_text("{")
    assert export(path) == first


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        ("die", r"stopped unexpectedly \(code -9\)"),
        ("raise", r"cannot be exported to ONNX \(layer 3 is odd\)\."),
        ("pickle", r"holds Python code besides weights \(posix\.system\) and is refused"),
    ],
)
def test_failures_leave_nothing(
    cache: Path, fakes: Path, tmp_path: Path, act: str, sentence: str
) -> None:
    path = checkpoint(tmp_path / "mine.pth", act=act)
    with pytest.raises(ModelError, match=sentence) as caught:
        export(path)
    assert "\n" not in str(caught.value)
    assert leftovers(cache) == []


def test_leftovers_of_a_killed_viewer_are_cleared(cache: Path, fakes: Path, tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "mine.pth")
    digest = export_cache.file_sha256(path)
    stale = cache / "models" / f".{digest[:32]}.partial"
    stale.mkdir(parents=True)
    (stale / "model.onnx").write_bytes(b"half")
    export(path)
    assert not stale.exists()


def test_giving_up_ends_the_child(cache: Path, fakes: Path, tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "mine.pth", act="hang")
    hanging = fakes / "rfdetr" / "hanging"

    def progress(step: str, index: int, count: int) -> None:
        if hanging.exists() and hanging.read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exported_checkpoint(path, progress, version="1.11.2")
    with pytest.raises(ProcessLookupError):
        os.kill(int(hanging.read_text()), 0)
    assert leftovers(cache) == []


def test_wrong_files_get_one_sentence(cache: Path, fakes: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.pth"
    text.write_text("hello")
    with pytest.raises(ModelError, match=r"text\.pth is not a readable checkpoint"):
        export(text)
    (tmp_path / "list.pth").write_text(json.dumps({"weights": 1}))
    with pytest.raises(ModelError, match="not an RF-DETR checkpoint"):
        export(tmp_path / "list.pth")
    with pytest.raises(ModelError, match="does not say which RF-DETR model it is"):
        export(checkpoint(tmp_path / "unnamed.pth"))
    with pytest.raises(ModelError, match="No such file"):
        export(tmp_path / "missing.pth")


def test_a_huge_file_is_not_read(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "huge.pth"
    with path.open("wb") as file:
        file.truncate(30 << 30)
    with pytest.raises(ModelError, match=r"huge\.pth has 32 GB, more than any RF-DETR checkpoint"):
        export(path)


def test_a_foreign_network_is_refused(cache: Path, fakes: Path, tmp_path: Path) -> None:
    (fakes / "rfdetr" / "odd.onnx").write_bytes(b"not onnx at all")
    with pytest.raises(ModelError, match="not a complete ONNX file"):
        export(checkpoint(tmp_path / "mine.pth", onnx="odd.onnx"))
    assert leftovers(cache) == []


def test_without_the_extra_the_sentence_names_it(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=re.escape(install_command("models"))):
        exported_checkpoint(checkpoint(tmp_path / "mine.pth"), lambda *_: None)


def test_old_torch_is_refused(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = fake_packages.install(tmp_path / "old", torch_version="2.5.0+cpu")
    monkeypatch.setenv("PYTHONPATH", str(site))
    with pytest.raises(ModelError, match=r"needs torch 2\.10 or newer, found 2\.5\.0\+cpu"):
        export(checkpoint(tmp_path / "mine.pth"))


def test_the_current_folder_cannot_shadow_torch(
    cache: Path, fakes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "torch.py").write_text("open('canary', 'w').close()")
    monkeypatch.chdir(folder)
    export(checkpoint(tmp_path / "mine.pth"))
    assert not (folder / "canary").exists()


@pytest.mark.needs_torch
def test_real_torch_never_runs_pickle_code(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from rfviewer.models import export_worker

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.system, (f"touch {tmp_path / 'canary'}",)

    for number, legacy in enumerate((False, True)):
        path = tmp_path / f"evil{number}.pth"
        torch.save({"model": Evil()}, path, _use_new_zipfile_serialization=not legacy)
        with pytest.raises(export_worker.Refused, match="holds Python code"):
            export_worker.check_weights_only(torch, path)
    assert not (tmp_path / "canary").exists()


CONTENDER = """
import sys
from pathlib import Path
from rfviewer.models.export_cache import exported_checkpoint
print(exported_checkpoint(Path(sys.argv[1]), lambda *_: None, version="1.11.2").onnx_path)
"""


def test_several_viewers_at_once_export_once(fakes: Path, tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "mine.pth")
    repository = Path(__file__).parents[2]
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(tmp_path / "xdg"),
        "PYTHONPATH": f"{repository}{os.pathsep}{fakes}",
    }
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CONTENDER, str(path)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    answers = {child.communicate(timeout=300)[0].strip() for child in children}
    assert [child.returncode for child in children] == [0, 0, 0]
    assert len(answers) == 1
    assert Path(answers.pop()).is_file()
    assert export_count(fakes) == 1
