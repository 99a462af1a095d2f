"""Pictures of the lab's pages from a file of results."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from PySide6.QtGui import QImage

from rfviewer.errors import RfviewerError
from rfviewer.experiment import AbRequest, WaterfallRequest
from rfviewer.lab.ab import measure_ab
from rfviewer.lab.record import outcome_record
from rfviewer.lab.waterfall import measure_waterfall
from rfviewer.optimizations import Optimizations
from tests.lab.conftest import stand_of  # noqa: F401 - a fixture

QUIET = {"noise": 0.01, "burst_every_s": 0.0, "two_speeds": 1.0}


@pytest.fixture
def results(stand_of, tmp_path: Path) -> Path:  # noqa: F811 - the fixture
    """A file as the GPU suite writes it, with every toggle in the waterfall."""
    target, found = Optimizations(), {}
    requests = {
        "waterfall": (measure_waterfall, WaterfallRequest(target=target, frames=1, rounds=1)),
        "ab": (measure_ab, AbRequest(a=Optimizations.baseline(), b=target, frames=1, rounds=1)),
    }
    for name, (measure, request) in requests.items():
        stand = stand_of(**QUIET)
        result = measure(stand, request, lambda *_: None)
        stand.engine.configure(target)
        found[name] = outcome_record(
            request, result, stand.engine.info, source="sim", recorded_frames=8, hardware={},
            versions={}, command="",
        )  # fmt: skip
    path = tmp_path / "suite.json"
    path.write_text(json.dumps({"hardware": {}, **found}), encoding="utf-8")
    return path


@pytest.fixture
def script() -> Iterator[ModuleType]:
    yield importlib.import_module("lab_pictures")
    sys.modules.pop("lab_pictures")


@pytest.mark.qt_log_ignore("propagateSizeHints")
def test_each_result_is_drawn_whole_in_both_themes(
    qapp, script, results: Path, tmp_path: Path
) -> None:
    made = script.main([str(results), str(tmp_path)])
    assert {path.name for path in made} == {
        "lab-ab-dark.png", "lab-ab-light.png", "lab-waterfall-dark.png", "lab-waterfall-light.png",
    }  # fmt: skip
    for path in made:
        image = QImage(str(path))
        rows = 24 if "waterfall" in path.name else 6
        assert image.width() == script.WIDTH_PX
        assert rows * 16 < image.height() < script.MOST_PX
        dark = image.pixelColor(image.width() - 3, 3).lightness() < 128
        assert dark is ("dark" in path.name)


@pytest.mark.parametrize("name", ["model", "input", "toggles"])
def test_a_result_that_lacks_what_the_page_shows_is_told(
    qapp, script, results: Path, tmp_path: Path, name: str
) -> None:
    report = json.loads(results.read_text(encoding="utf-8"))
    del report["ab"][name]
    results.write_text(json.dumps(report), encoding="utf-8")
    with pytest.raises(RfviewerError, match=rf"'{name}'.*; measure again"):
        script.main([str(results), str(tmp_path)])
