"""What a misspelt word may have meant."""

from collections.abc import Iterable

_CLOSE = 0.75
"""Share of equal letters from which a word is close: one or two slips in an ordinary name."""


def closest(word: str, known: Iterable[str]) -> str:
    """Return the one of `known` that is nearest to `word`; empty where none is near."""
    from difflib import get_close_matches  # only after a mistake

    return next(iter(get_close_matches(word, [*known], n=1, cutoff=_CLOSE)), "")
