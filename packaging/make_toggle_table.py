"""Writes docs/TOGGLES.md from the fields of Optimizations. Run it after changing a toggle.

python packaging/make_toggle_table.py
"""

from pathlib import Path

from rfviewer.optimizations import Optimizations, toggle_names, toggle_of
from rfviewer.toggle import Exactness

TARGET = Path(__file__).resolve().parent.parent / "docs" / "TOGGLES.md"

HEAD = """# Optimisations that can be switched

Made by `packaging/make_toggle_table.py` from `rfviewer/toggle_texts.py`; do not edit by hand.

Every switch can be flipped while the video runs: in the window's rack or with its digit key; the
command line takes `--set NAME=VALUE`. Off always means the plain reference op. The window shows for
each one what was requested, what is in effect, and why when the two differ.

`fused_constants` and `planar_stores` are parts of the fused preprocess and off without it.
`fused_preprocess` and `fused_constants` round the network input differently; an fp16 network may
then pick another query near its own cut-off (docs/OPTIMIZATION_LOG.md has figures).

Precision and resize mode are no switches: they choose another network or another meaning.

The last column says what the switch may do to the result:

| class | promise |
|---|---|
"""
PROMISES = {
    Exactness.BIT_EXACT: "the same bits",
    Exactness.ROUNDING: "differences of rounding only: of the network input, or of boxes to pixels",
    Exactness.TOLERANCE: "inside the tolerance of the correctness gate",
}
TABLE = """
| name | default | off | on | saves | stage | class |
|---|---|---|---|---|---|---|
"""


def table() -> str:
    """Return the whole document."""
    default = Optimizations()
    promises = "".join(f"| {kind} | {text} |\n" for kind, text in PROMISES.items())
    rows = ""
    for name in toggle_names():
        toggle = toggle_of(name)
        value = getattr(default, name)
        shown = ("on" if value else "off") if isinstance(value, bool) else str(value)
        if toggle.choices:
            shown += f" of {toggle.choices[0]} to {toggle.choices[-1]}"
        rows += (
            f"| `{name}` | {shown} | {toggle.off} | {toggle.on} | {toggle.why} "
            f"| {toggle.stage} | {toggle.exactness} |\n"
        )
    return HEAD + promises + TABLE + rows


if __name__ == "__main__":
    TARGET.write_text(table(), encoding="utf-8")
