"""The live comparison: what it says, that it never holds up the video, and that it ends."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rfviewer import paths
from rfviewer.config import EngineConfig, Playback, Policy, Settings, View
from rfviewer.detections import Detections
from rfviewer.errors import DeviceLostError, EngineError, ModelError
from rfviewer.experiment import Badge, ParityReading, ParityWatch
from rfviewer.frame import Frame
from rfviewer.interfaces import Engine, Progress
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.parity_watch import ParityWatcher
from rfviewer.result import FrameResult
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import PresentedFrame, Snapshot
from tests.fakes import Bench, FakeEngine, FakeRenderer, FakeSource, wait_until

FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)
LOOP = replace(FAST, loop=True)
PAUSED = replace(FAST, paused=True)
EVERY = ParityWatch(every=1)

type Change = Callable[[FrameResult], Detections]


class ReferenceEngine(FakeEngine):
    """Finds what the main engine does unless `change` says otherwise."""

    change: Change = staticmethod(lambda result: result.detections)
    thresholds: list[float]
    frames: list[int]

    def submit(self, frame: Frame, threshold: float, overlay: View | None = None) -> None:
        self.__dict__.setdefault("thresholds", []).append(threshold)
        self.__dict__.setdefault("frames", []).append(frame.frame_index)
        super().submit(frame, threshold, overlay)

    def collect(self) -> FrameResult:
        result = super().collect()
        return replace(result, detections=self.change(result))


class Live:
    """A session whose second and later engines are references."""

    def __init__(self, source: Callable[[], FakeSource], view: View | None = None) -> None:
        self.bench = Bench({"clip": source})
        self.references: list[ReferenceEngine] = []
        self.reference_options: dict[str, object] = {}
        self.change: Change = lambda result: result.detections
        self.error: Exception | None = None
        self.loading: threading.Event | None = None
        self.main = threading.Event()
        self.saved: list[Path] = []
        parts = replace(
            self.bench.parts(), make_engine=self._make, save_comparison=self._save_picture
        )
        # Against the baseline the fused network would allow the wide tolerance of E3.
        settings = Settings(view=view or View(), optimizations=Optimizations(fused_network=False))
        self.session = LocalSession(parts, settings, lambda p, i, m: None)

    def _make(self, config: EngineConfig, wanted: Optimizations, progress: Progress) -> Engine:
        if threading.current_thread().name != "rfviewer-parity":
            return self.bench._engine(config, wanted, progress)
        if self.loading is not None:
            while not self.loading.wait(0.005):
                progress("Loading the network", 1, 2)
        if self.error is not None:
            raise self.error
        engine = ReferenceEngine(wanted, **self.reference_options)  # type: ignore[arg-type]
        engine.config = config  # type: ignore[attr-defined]
        engine.change = self.change  # type: ignore[method-assign]
        self.references.append(engine)
        return engine

    def _save_picture(self, path: Path, *_: object) -> None:
        path.write_bytes(b"png")
        self.saved.append(path)

    def reading(self, *badges: Badge, compared: int = 0) -> ParityReading:
        def done(snapshot: Snapshot) -> bool:
            reading = snapshot.parity
            return reading.badge in badges and reading.compared >= compared

        return self.session.wait(done, 10).parity


@pytest.fixture
def make_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Live]]:
    monkeypatch.setattr(paths, "cache_dir", lambda: tmp_path)
    made: list[Live] = []

    def make(source: Callable[[], FakeSource] = FakeSource, view: View | None = None) -> Live:
        made.append(Live(source, view))
        return made[-1]

    yield make
    for live in made:
        live.session.close()


def shifted(result: FrameResult) -> Detections:
    found = result.detections
    return replace(found, boxes_xyxy=found.boxes_xyxy + np.float32(1))


def scored(score: float) -> Change:
    return lambda result: replace(result.detections, scores=np.array([score], np.float32))


def test_equal_results_are_green_and_the_video_is_told_apart_from_the_reference(make_live) -> None:
    live = make_live()
    assert live.session.poll().parity.badge is Badge.OFF
    live.session.watch_parity(EVERY)
    live.session.open("clip", LOOP)
    reading = live.reading(Badge.GREEN, compared=3)
    assert reading.total.gate == "G0"
    assert reading.total.worst_png is None
    assert "Equal" in reading.reason
    [reference] = live.references
    assert reference.depth == 1  # the baseline
    assert live.bench.engines[0].depth == 2
    live.session.watch_parity(None)
    assert live.session.poll().parity.badge is Badge.OFF
    wait_until(lambda: reference.closed)


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


def test_a_tolerance_of_what_differs_is_used_with_its_band(make_live) -> None:
    # fused_network promises X2: E3 with a band of 0.03 around the threshold of 0.5.
    live = make_live()
    live.change = scored(0.885)
    live.session.set_optimizations(replace(Optimizations(), fused_network=True))
    live.session.watch_parity(EVERY)
    live.session.open("clip", LOOP)
    reading = live.reading(Badge.AMBER, Badge.GREEN, compared=1)
    assert reading.total.gate == "G1/E3"
    assert live.references[0].thresholds[0] == pytest.approx(0.47)
    assert reading.badge is Badge.GREEN  # 0.015 of 0.03 is exactly half
    live.session.watch_parity(None)
    live.change = scored(0.875)
    live.session.watch_parity(EVERY)
    reading = live.reading(Badge.AMBER, compared=1)
    assert "uses 83 % of the tolerance" in reading.reason.replace("83%", "83 %")
    live.session.watch_parity(None)
    live.change = lambda result: Detections.empty()
    live.session.watch_parity(EVERY)
    assert live.reading(Badge.RED, compared=1).total.extra >= 1


def test_totals_start_over_when_the_settings_change(make_live) -> None:
    live = make_live()
    live.session.watch_parity(EVERY)
    live.session.open("clip", PAUSED)
    for index in range(4):
        live.session.wait(lambda s, wanted=index: s.parity.last_frame == wanted, 10)
        live.session.step(1)
    live.reading(Badge.GREEN, compared=5)
    live.session.set_optimizations(Optimizations(depth=3))
    live.session.wait(lambda s: s.parity.compared == 1, 10)  # the frame on display, again
    assert len(live.references) == 1  # another toggle needs no other reference


def test_a_slow_reference_skips_frames_and_never_holds_the_video(make_live) -> None:
    gate = threading.Event()
    live = make_live(lambda: FakeSource(60))
    live.reference_options = {"gate": gate}
    live.session.watch_parity(EVERY)
    live.session.open("clip", FAST)
    # The whole clip plays while the reference still stands on its first frame.
    snapshot = live.session.wait(lambda s: s.counters.inferred == 60, 10)
    assert snapshot.parity.compared == 0
    assert snapshot.parity.badge is Badge.WAITING
    gate.set()
    reading = live.reading(Badge.GREEN, compared=1)
    assert reading.skipped + reading.compared + 1 >= 59
    assert live.references[0].frames[-1] == 59  # the newest one was kept


def test_every_nth_frame_is_offered(make_live) -> None:
    live = make_live(lambda: FakeSource(40))
    live.session.watch_parity(ParityWatch(every=10))
    live.session.open("clip", PAUSED)
    live.session.wait(lambda s: s.parity.compared == 1, 10)  # the very first
    for index in range(1, 21):
        live.session.step(1)
        live.session.wait(lambda s, wanted=index: s.frame_index == wanted, 10)
    live.session.wait(lambda s: s.parity.compared == 3, 10)
    assert live.references[0].frames == [0, 10, 20]


def test_a_reference_that_cannot_load_says_why_and_the_video_goes_on(make_live) -> None:
    live = make_live()
    live.error = ModelError("The model cannot be read; choose another.")
    live.session.watch_parity(EVERY)
    live.session.open("clip", FAST)
    reading = live.reading(Badge.UNAVAILABLE)
    assert reading.reason == "The model cannot be read; choose another."
    assert live.session.wait(lambda s: s.counters.inferred == 20, 10).parity.badge == "unavailable"


def test_a_reference_that_crashes_says_so(make_live, caplog) -> None:
    live = make_live()
    live.error = MemoryError("no room")
    live.session.watch_parity(EVERY)
    assert "no room" in live.reading(Badge.UNAVAILABLE).reason
    caplog.clear()


def test_one_failed_frame_is_left_out_and_many_end_it(make_live) -> None:
    live = make_live(lambda: FakeSource(12))
    live.reference_options = {"fails_at": 0}
    live.session.watch_parity(EVERY)
    live.session.open("clip", PAUSED)
    live.session.wait(lambda s: s.parity.reason == "The fake network failed on this frame.", 10)
    live.session.step(1)
    live.reading(Badge.GREEN, compared=1)

    def fail(_: FrameResult) -> Detections:
        raise EngineError("It is broken.")

    live.references[0].change = fail
    for index in range(2, 5):
        live.session.step(1)
        live.session.wait(lambda s, wanted=index: s.frame_index == wanted, 10)
        wait_until(lambda wanted=index: live.references[0].frames[-1] == wanted)
    assert "It is broken." in live.reading(Badge.UNAVAILABLE).reason


def test_a_lost_device_ends_the_comparison_at_once_and_frees_nothing(make_live) -> None:
    live = make_live(lambda: FakeSource(12))

    def lose(_: FrameResult) -> Detections:
        raise DeviceLostError("The GPU is lost; restart the engine.")

    live.change = lose
    live.session.watch_parity(EVERY)
    live.session.open("clip", PAUSED)
    assert "The GPU is lost" in live.reading(Badge.UNAVAILABLE).reason
    assert not live.references[0].closed


def test_another_model_brings_another_reference_unless_it_was_named(make_live) -> None:
    live = make_live()
    live.session.watch_parity(EVERY)
    live.session.open("clip", LOOP)
    live.reading(Badge.GREEN, compared=1)
    live.session.set_engine(EngineConfig(model="other"))
    wait_until(lambda: len(live.references) == 2)
    wait_until(lambda: live.references[0].closed)
    assert live.references[1].config.model == "other"
    named = EngineConfig(model="named")
    live.session.watch_parity(ParityWatch(every=1, engine=named))
    wait_until(lambda: len(live.references) == 3)
    live.session.set_engine(EngineConfig(model="third"))
    live.session.wait(
        lambda s: s.engine_config.model == "third" and len(live.bench.engines) == 3, 10
    )
    live.reading(Badge.GREEN, compared=1)
    assert len(live.references) == 3
    assert live.references[2].config == named


def test_what_the_engine_before_found_is_not_held_against_the_new_one() -> None:
    """On display, its result is asked for again with every redrawing of a split frame."""
    engine, source = FakeEngine(Optimizations()), FakeSource()

    def infer() -> FrameResult:
        frame = source.read()
        assert frame is not None
        engine.submit(frame, 0.5)
        return engine.collect()

    watcher = ParityWatcher(lambda c, o, p: FakeEngine(o), None, lambda: None)
    watcher.candidate_ready(EngineConfig(model="first"), engine.info)
    watcher.watch(EVERY)
    before = infer()
    watcher.candidate_ready(EngineConfig(model="second"), engine.info)
    watcher.request(before)
    after = infer()
    assert watcher.reading.compared == 0
    watcher.request(after)
    wait_until(lambda: watcher.reading.compared > 0)
    assert (watcher.reading.compared, watcher.reading.skipped) == (1, 0)
    assert watcher.reading.last_frame == after.frame.frame_index
    threads = watcher.threads
    watcher.close()
    for thread in threads:
        thread.join(10)


def test_another_rhythm_keeps_the_reference(make_live) -> None:
    live = make_live()
    live.session.watch_parity(EVERY)
    live.session.open("clip", LOOP)
    live.reading(Badge.GREEN, compared=1)
    live.session.watch_parity(ParityWatch(every=5))
    live.reading(Badge.GREEN, compared=4)
    assert len(live.references) == 1


def test_closing_gives_up_a_reference_that_loads(make_live) -> None:
    live = make_live()
    live.loading = threading.Event()
    live.session.watch_parity(EVERY)
    live.session.wait(lambda s: "Loading the network" in s.parity.reason, 10)
    live.session.close()  # the fixture of all tests checks that no thread is left
    assert live.references == []


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
    live.session.wait(lambda s: s.frame_index == 1, 10)
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
    live.session.wait(lambda s: s.frame_index == 1, 10)
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
    live.session.wait(lambda s: s.recording is not None and s.recording.frames >= 50, 10)
    live.session.close()
    items = live.bench.sink.items
    assert [item.frame.frame_index for item in items] == list(range(50))
    assert all(item.image[20, 10, 1] == 1 for item in items)
