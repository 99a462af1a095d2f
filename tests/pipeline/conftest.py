"""Fixtures of the pipeline's tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rfviewer import paths
from rfviewer.config import View
from tests.fakes import FakeSource
from tests.pipeline.parity_live import Live


@pytest.fixture
def make_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Live]]:
    monkeypatch.setattr(paths, "cache_dir", lambda: tmp_path)
    made: list[Live] = []

    def make(source: Callable[[], FakeSource] = FakeSource, view: View | None = None) -> Live:
        made.append(Live(source, view))
        return made[-1]

    yield make
    for live in made:
        live.session.close()
