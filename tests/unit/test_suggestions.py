"""Which word a misspelt one may have meant."""

import pytest

from rfviewer.cli import VERBS
from rfviewer.optimizations import toggle_names
from rfviewer.suggestions import closest


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("exprt", VERBS, "export"),
        ("model", VERBS, "models"),
        ("limit_mask", toggle_names(), "limit_masks"),
        ("roi_mask", toggle_names(), "roi_masks"),
        ("demo", VERBS, ""),
        ("speed", toggle_names(), ""),
        ("", VERBS, ""),
    ],
)
def test_only_a_near_word_is_suggested(word, known, meant) -> None:
    assert closest(word, known) == meant
