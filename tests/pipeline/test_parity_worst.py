"""The pictures of the worst frame, and the folders that they lie in."""

from rfviewer.experiment import Badge
from tests.pipeline.parity_live import EVERY, LOOP, shifted


def test_a_wrong_box_is_red_with_a_picture_that_is_removed_at_the_end(make_live, tmp_path) -> None:
    live = make_live()
    live.change = shifted
    live.session.watch_parity(EVERY)
    live.session.open("clip", LOOP)
    reading = live.reading(Badge.RED, compared=1)
    assert reading.total.box_max_px == 1.0
    assert "moved by 1 px" in reading.reason
    assert reading.total.worst_png.read_bytes() == b"png"
    assert reading.total.worst_png.parent.parent == tmp_path
    assert len(live.saved) == 1  # no frame was worse than the first
    live.session.close()
    assert list(tmp_path.iterdir()) == []


def test_folders_of_dead_processes_are_swept_and_others_kept(make_live, tmp_path) -> None:
    dead, alive = tmp_path / "parity-999999999-x", tmp_path / "parity-1-x"
    dead.mkdir()
    alive.mkdir()
    live = make_live()
    live.change = shifted
    live.session.watch_parity(EVERY)
    live.session.open("clip", LOOP)
    live.reading(Badge.RED)
    assert not dead.exists()
    assert alive.exists()
