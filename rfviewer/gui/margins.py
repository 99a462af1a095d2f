"""Layouts that reach to the edges of their widget."""

from PySide6.QtWidgets import QBoxLayout


def without_margins[L: QBoxLayout](layout: L, *, spacing_px: int) -> L:
    """Return `layout` with nothing around its parts and `spacing_px` between them."""
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing_px)
    return layout
