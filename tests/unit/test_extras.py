"""The command to install an extra names a folder that is there, never a registry."""

from importlib import metadata
from pathlib import Path

import pytest

from rfviewer import extras

REPOSITORY = Path(extras.__file__).parents[1]


class Distribution:
    def __init__(self, text: str | None) -> None:
        self._text = text

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self._text


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretend that the package lies in site-packages; return a folder with its sources."""
    monkeypatch.setattr(extras, "__file__", str(tmp_path / "site-packages/rfviewer/extras.py"))
    sources = tmp_path / "my sources"
    sources.mkdir()
    (sources / "pyproject.toml").touch()
    return sources


def install_from(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    monkeypatch.setattr(metadata, "distribution", lambda _: Distribution(text))


def test_run_from_its_sources() -> None:
    assert extras.install_command("models") == f"pip install -e '{REPOSITORY}[models]'"
    assert extras.install_command() == f"pip install -e '{REPOSITORY}'"


def test_installed_from_a_folder(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_from(monkeypatch, f'{{"url": "{elsewhere.as_uri()}", "dir_info": {{}}}}')
    assert extras.install_command("gpu") == f"pip install '{elsewhere}[gpu]'"
    (elsewhere / "pyproject.toml").unlink()
    assert extras.install_command("gpu") == "pip install '.[gpu]' in rfviewer's folder"


@pytest.mark.parametrize("text", [None, '{"url": "https://example.org/r.zip"}'])
@pytest.mark.usefixtures("elsewhere")
def test_installed_from_elsewhere(text: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    install_from(monkeypatch, text)
    assert extras.install_command("gpu") == "pip install '.[gpu]' in rfviewer's folder"


@pytest.mark.usefixtures("elsewhere")
def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    assert extras.install_command("rtx") == "pip install '.[rtx]' in rfviewer's folder"
