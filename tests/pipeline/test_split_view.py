"""The split line: both results of one frame."""

import threading
from collections.abc import Callable

import numpy as np

from rfviewer.config import View
from rfviewer.experiment import ParityWatch
from rfviewer.snapshot import PresentedFrame
from tests.fakes import FakeRenderer, FakeSource, wait_until
from tests.pipeline.parity_live import (
    EVERY,
    FAST,
    PAUSED,
    Live,
)


class SplitRenderer(FakeRenderer):
    """Paints the whole frame with the number of detections that it was given."""

    def render(self, frame, detections, view, class_names, *, roi=True, composited=None):
        image = super().render(frame, detections, view, class_names)
        image[:, 2:, 1] = len(detections)
        return image


def split_live(make_live: Callable[..., Live], share: float | None) -> Live:
    live = make_live(lambda: FakeSource(50, size_wh=(64, 32)), View(split=share))
    live.session._pipeline.presenter._renderer = SplitRenderer()
    live.change = lambda result: result.detections.select(np.array([0, 0, 0]))
    return live


def halves(image: PresentedFrame | None, share: float = 0.5) -> tuple[int, int] | None:
    if image is None:
        return None
    column = round(64 * share)
    return int(image.image[20, max(2, column - 4), 1]), int(image.image[20, min(63, column + 4), 1])


def wait_for_halves(live: Live, wanted: tuple[int, int], share: float = 0.5) -> PresentedFrame:
    seen: list[PresentedFrame] = []

    def found() -> bool:
        image = live.session.take_image()
        seen.extend([image] if image is not None else [])
        return halves(image, share) == wanted

    wait_until(found)
    return seen[-1]


def test_the_split_shows_both_results_of_the_same_paused_frame(make_live) -> None:
    live = split_live(make_live, 0.5)
    live.session.watch_parity(ParityWatch(every=1000))
    live.session.open("clip", PAUSED)
    image = wait_for_halves(live, (3, 1))
    assert (image.frame_index, image.masks_age_s) == (0, 0.0)
    live.session.step(1)  # not the thousandth, but it is on display
    live.session.wait(lambda s: s.frame_index == 1, 60)
    wait_until(lambda: live.references[0].frames[-1] == 1)
    wait_until(lambda: wait_for_halves(live, (3, 1)).frame_index == 1)


def test_dragging_the_line_runs_no_engine(make_live) -> None:
    live = split_live(make_live, 0.5)
    live.session.watch_parity(EVERY)
    live.session.open("clip", PAUSED)
    wait_for_halves(live, (3, 1))
    inferred, compared = live.session.poll().counters.inferred, len(live.references[0].frames)
    for share in (0.25, 0.75):
        live.session.set_view(View(split=share))
        wait_for_halves(live, (3, 1), share)
    live.session.set_view(View(split=None))
    wait_for_halves(live, (1, 1))
    assert live.session.poll().counters.inferred == inferred
    assert len(live.references[0].frames) == compared


def test_turning_the_split_on_while_paused_has_that_frame_compared(make_live) -> None:
    live = split_live(make_live, None)
    live.session.watch_parity(ParityWatch(every=1000))
    live.session.open("clip", PAUSED)
    live.session.step(1)
    live.session.wait(lambda s: s.frame_index == 1, 60)
    wait_for_halves(live, (1, 1))
    live.session.set_view(View(split=0.5))
    assert wait_for_halves(live, (3, 1)).frame_index == 1


def test_until_a_frame_is_compared_the_left_side_is_bare_and_without_a_watch_whole(
    make_live,
) -> None:
    gate = threading.Event()
    live = split_live(make_live, 0.5)
    live.reference_options = {"gate": gate}
    live.session.open("clip", PAUSED)
    wait_for_halves(live, (1, 1))
    live.session.watch_parity(EVERY)
    live.session.set_view(View(split=0.5, opacity=0.3))
    wait_for_halves(live, (0, 1))
    gate.set()
    wait_for_halves(live, (3, 1))


def test_a_recording_is_not_split(make_live, tmp_path) -> None:
    live = split_live(make_live, 0.5)
    live.session.watch_parity(EVERY)
    from rfviewer.interfaces import RecordingRequest

    live.session.open("clip", FAST, recording=RecordingRequest(video=tmp_path / "fake.mp4"))
    live.session.wait(lambda s: s.recording is not None and s.recording.frames >= 50, 60)
    live.session.close()
    items = live.bench.sink.items
    assert [item.frame.frame_index for item in items] == list(range(50))
    assert all(item.image[20, 10, 1] == 1 for item in items)
