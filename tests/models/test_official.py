"""Official models: download with a hash check, licences, and reuse. The server is a local one."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rfviewer.errors import ModelError, UsageError
from rfviewer.models.export_cache import exported_official
from rfviewer.models.official import (
    OFFICIAL_MODELS,
    PML,
    OfficialModel,
    accept_licence,
    find_official,
    is_accepted,
)
from rfviewer.models.spec import ModelSpec
from tests.models.fake_packages import checkpoint, export_count

NANO = find_official("rfdetr-seg-nano")
assert NANO is not None

SERVER = """
import http.server, sys
class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Serve a folder from a child process; yield the folder and its address."""
    folder = tmp_path / "web"
    folder.mkdir()
    child = subprocess.Popen(
        [sys.executable, "-c", SERVER], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    port = int(child.stdout.readline())
    yield folder, f"http://127.0.0.1:{port}"
    child.kill()
    child.communicate()


def publish(fakes: Path, url: str, file: Path, md5: str = "") -> None:
    md5 = md5 or hashlib.md5(file.read_bytes()).hexdigest()
    entry = {"url": f"{url}/{file.name}", "md5_hash": md5}
    (fakes / "assets.json").write_text(json.dumps({"rf-detr-seg-nano.pt": entry}))


def resolve(model: OfficialModel, steps: list[str] | None = None) -> ModelSpec:
    def progress(step: str, index: int, count: int) -> None:
        if steps is not None:
            steps.append(step)

    return exported_official(model, progress, version="1.11.2")


def test_download_export_and_reuse(cache: Path, fakes: Path, web: tuple[Path, str]) -> None:
    folder, url = web
    publish(fakes, url, checkpoint(folder / "seg-n.pth", pad="x" * 100))
    steps: list[str] = []
    spec = resolve(NANO, steps)
    assert spec.name == "rfdetr-seg-nano"
    assert spec.checkpoint == cache / "checkpoints" / "rf-detr-seg-nano.pt"
    assert any(step.startswith("Downloading rf-detr-seg-nano.pt") for step in steps)
    (folder / "seg-n.pth").unlink()
    assert resolve(NANO) == spec
    # Without the extra, and even without the checkpoint, the export goes on working.
    spec.checkpoint.unlink()
    assert exported_official(NANO, lambda *_: None).onnx_path == spec.onnx_path
    assert export_count(fakes) == 1


def test_wrong_hash_is_refused_and_leaves_nothing(
    cache: Path, fakes: Path, web: tuple[Path, str]
) -> None:
    folder, url = web
    publish(fakes, url, checkpoint(folder / "seg-n.pth"), md5="0" * 32)
    with pytest.raises(ModelError, match="damaged or was changed on the way"):
        resolve(NANO)
    assert list((cache / "checkpoints").iterdir()) == []
    assert export_count(fakes) == 0


def test_a_good_copy_of_rfdetr_itself_is_used(cache: Path, fakes: Path) -> None:
    (fakes / "roboflow_cache").mkdir()
    own = checkpoint(fakes / "roboflow_cache" / "rf-detr-seg-nano.pt")
    publish(fakes, "http://127.0.0.1:9", own)
    assert resolve(NANO).has_masks


def test_network_faults_say_what_to_do(cache: Path, fakes: Path, web: tuple[Path, str]) -> None:
    folder, url = web
    file = checkpoint(folder / "seg-n.pth")
    publish(fakes, url, file)
    file.unlink()
    with pytest.raises(
        ModelError, match=r"cannot be downloaded from 127\.0\.0\.1 \(File not found\)"
    ):
        resolve(NANO)
    publish(fakes, "http://127.0.0.1:9", checkpoint(folder / "x.pth"))
    with pytest.raises(ModelError, match="check the network and try again"):
        resolve(NANO)
    publish(fakes, "http://example.com", checkpoint(folder / "x.pth"))
    with pytest.raises(ModelError, match="only downloaded over https"):
        resolve(NANO)


def test_without_the_extra_the_sentence_names_it(cache: Path) -> None:
    with pytest.raises(ModelError, match=r"rfdetr-seg-nano needs the models extra.*\[models"):
        exported_official(NANO, lambda *_: None)


def test_table_is_consistent() -> None:
    names = [model.name for model in OFFICIAL_MODELS]
    assert len(set(names)) == len(names)
    assert sum(model.has_masks for model in OFFICIAL_MODELS) == 6
    assert {model.name for model in OFFICIAL_MODELS if model.licence == PML} == {
        "rfdetr-xlarge",
        "rfdetr-2xlarge",
    }


def test_consent_is_asked_once(cache: Path) -> None:
    assert is_accepted("Apache-2.0")
    assert not is_accepted(PML)
    accept_licence(PML)
    accept_licence(PML)
    assert is_accepted(PML)
    assert (cache / "accepted_licences.txt").read_text() == f"{PML}\n"
    with pytest.raises(UsageError, match="No model needs consent to MIT"):
        accept_licence("MIT")
