"""The table in docs/PARITY.md says what the code does."""

from pathlib import Path

from rfviewer.lab.tolerance import E1, E2, E3, X0


def test_the_documented_tolerances_are_those_in_use() -> None:
    page = (Path(__file__).parents[2] / "docs" / "PARITY.md").read_text(encoding="utf-8")
    rows = {
        cells[1]: cells[3:-1]
        for line in page.splitlines()
        if len(cells := [cell.strip() for cell in line.split("|")]) == 11
    }
    for item in (X0, E1, E2, E3):
        numbers = (item.box_px, item.score, item.delta)
        rest = (item.mask_iou_mean, item.gate_px, item.soft_share)
        masks = f"{item.mask_iou:g}, {item.flip_px}"
        expected = [*(f"{n:g}" for n in numbers), masks, *(f"{n:g}" for n in rest)]
        assert rows[item.name] == expected
