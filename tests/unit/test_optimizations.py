"""Toggles: parsing, description, baseline, and the docs table made from them."""

import runpy
from dataclasses import fields
from pathlib import Path

import pytest

from rfviewer.errors import UsageError
from rfviewer.optimizations import Optimizations, toggle_names, toggle_of
from rfviewer.toggle_texts import TOGGLES

ROOT = Path(__file__).parents[2]


def test_every_field_is_described() -> None:
    for name in toggle_names():
        toggle = toggle_of(name)
        assert toggle.label
        assert toggle.why
        assert toggle.off
        assert toggle.on


def test_fields_and_descriptions_are_the_same_in_the_same_order() -> None:
    assert tuple(TOGGLES) == toggle_names()
    assert tuple(spec.name for spec in fields(Optimizations)) == toggle_names()


def test_labels_are_unique() -> None:
    labels = [toggle_of(name).label for name in toggle_names()]
    assert len(set(labels)) == len(labels)


def test_baseline_is_everything_off() -> None:
    baseline = Optimizations.baseline()
    for spec in fields(Optimizations):
        assert getattr(baseline, spec.name) in (False, 1)


@pytest.mark.parametrize(
    ("text", "value"), [("on", True), ("OFF", False), ("1", True), ("no", False)]
)
def test_switches_understand_words(text: str, value: bool) -> None:
    assert Optimizations().set("cuda_graph", text).cuda_graph is value


def test_numbers_must_be_offered() -> None:
    assert Optimizations().set("depth", "3").depth == 3
    with pytest.raises(UsageError, match="one of 1, 2, 3, 4"):
        Optimizations().set("depth", 9)
    with pytest.raises(UsageError, match="takes a number"):
        Optimizations().set("depth", "many")


def test_unknown_names_and_values_are_refused() -> None:
    with pytest.raises(UsageError, match="no optimization turbo"):
        Optimizations().set("turbo", "on")
    with pytest.raises(UsageError, match="takes on or off"):
        Optimizations().set("roi_masks", "maybe")


def test_changes_can_be_written_and_read_back() -> None:
    changed = Optimizations(depth=3, roi_masks=False)
    text = changed.describe_changes()
    assert text == "depth=3,roi_masks=off"
    again = Optimizations()
    for part in text.split(","):
        again = again.set(*part.split("=", 1))
    assert again == changed


def test_the_docs_table_is_up_to_date() -> None:
    made = runpy.run_path(str(ROOT / "packaging" / "make_toggle_table.py"))["table"]()
    assert (ROOT / "docs" / "TOGGLES.md").read_text(encoding="utf-8") == made, (
        "run packaging/make_toggle_table.py"
    )
