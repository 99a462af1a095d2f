"""Small pieces of HTML and SVG. Everything that is not markup of ours is escaped here."""

import html
import math
import re
from collections.abc import Iterable, Sequence

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control and bidirectional characters, which could make a text look like another one."""

UNKNOWN = "\N{EN DASH}"
"""What stands where there is no figure."""


def text(value: object) -> str:
    """Return `value` fit for content and quoted attributes."""
    return html.escape(_UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(value)), quote=True)


def number(value: float | None, digits: int = 2) -> str:
    """Return a figure for people; a dash where there is none."""
    if value is None or math.isnan(value):
        return UNKNOWN
    return f"{value:,.{digits}f}".replace("-", "\N{MINUS SIGN}")


def significant(value: float | None, digits: int = 3) -> str:
    """Return a figure with about `digits` digits that count."""
    if value is None:
        return UNKNOWN
    whole = len(str(int(abs(value))))
    leading_zero = abs(value) < 1
    return number(value, max(0, digits - (0 if leading_zero else whole)))


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, words: int = 1) -> str:
    """Return a table whose first `words` columns are words and the rest figures."""
    if not heads:
        return ""
    out = ['<div class="scroll"><table><thead><tr>']
    out += [
        f"<th{'' if place < words else ' class=n'}>{text(head)}</th>"
        for place, head in enumerate(heads)
    ]
    out.append("</tr></thead><tbody>")
    for row in rows:
        cells = [
            f"<td{'' if place < words else ' class=n'}>{text(cell)}</td>"
            for place, cell in enumerate(row)
        ]
        out.append(f"<tr>{''.join(cells)}</tr>")
    out.append("</tbody></table></div>")
    return "".join(out)


def pairs(items: Iterable[tuple[str, object]]) -> str:
    """Return names and values as a list."""
    rows = [f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in items]
    return f"<dl>{''.join(rows)}</dl>"


def section(title: str, *parts: str, name: str = "") -> str:
    """Return a titled part of the page; nothing where there is no content."""
    content = "".join(parts)
    if not content:
        return ""
    mark = f' id="{text(name)}"' if name else ""
    return f"<section{mark}><h2>{text(title)}</h2>{content}</section>"


def paragraph(sentence: str, kind: str = "") -> str:
    """Return a paragraph of class `kind`."""
    mark = f' class="{text(kind)}"' if kind else ""
    return f"<p{mark}>{text(sentence)}</p>" if sentence else ""


def svg(width: float, height: float, content: Iterable[str], label: str) -> str:
    """Return a picture that scales with the page."""
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{text(label)}">'
        f"<title>{text(label)}</title>{''.join(content)}</svg>"
    )


def rect(x: float, y: float, width: float, height: float, kind: str, tip: str = "") -> str:
    """Return a bar of class `kind`; `tip` shows under the pointer."""
    shape = (
        f'<rect class="{kind}" x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"'
    )
    return f"{shape}><title>{text(tip)}</title></rect>" if tip else f"{shape}/>"


def line(x0: float, y0: float, x1: float, y1: float, kind: str) -> str:
    """Return a straight line."""
    return f'<line class="{kind}" x1="{x0:.2f}" y1="{y0:.2f}" x2="{x1:.2f}" y2="{y1:.2f}"/>'


def label(x: float, y: float, words: object, kind: str = "", anchor: str = "start") -> str:
    """Return text in a picture."""
    return (
        f'<text class="{kind}" x="{x:.2f}" y="{y:.2f}" text-anchor="{anchor}">{text(words)}</text>'
    )
