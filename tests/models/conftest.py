"""A private cache, and a child process that finds fake torch and rfdetr packages."""

from pathlib import Path

import pytest

from rfviewer.models import export_store, official
from tests.models import fake_packages


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setattr(export_store, "cache_dir", lambda: folder)
    monkeypatch.setattr(official, "config_dir", lambda: folder)
    monkeypatch.setattr(official, "config_file", folder.joinpath)
    return folder


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = fake_packages.install(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder
