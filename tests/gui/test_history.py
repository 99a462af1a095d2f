import numpy as np
import pytest

from rfviewer.config import Policy
from rfviewer.gui.history import STAGES, WINDOW_S, History, Ring
from rfviewer.gui.plots import LOWEST_TOP_FPS, FpsPlot, _usual_top, nice_above
from rfviewer.gui.rates import Rates
from rfviewer.gui.status_strip import rate_health, wanted_fps
from rfviewer.gui.text import bytes_text, clock_text, fps_text, ms_text, time_text, tooltip
from rfviewer.optimizations import Optimizations
from rfviewer.snapshot import FrameSample
from rfviewer.timing import Stage, StageTimings
from tests.gui.fake_session import FakeSession


def _sample(second: float, infer_ms: float, optimizations=None) -> FrameSample:
    done = int(second * 1e9)
    timings = StageTimings({Stage.INFER: infer_ms}, done - 1, done)
    return FrameSample(0, second, done, timings, optimizations or Optimizations(), 0)


def _history(samples) -> History:
    from dataclasses import replace

    snapshot = FakeSession().poll()
    history = History()
    time_ns = int(samples[-1].done_time_ns)
    history.add(replace(snapshot, time_ns=time_ns, samples=tuple(samples)), Rates(None, None, None))
    return history


def test_ring_overwrites_the_oldest():
    ring = Ring(4, 1)
    for value in range(6):
        ring.append(float(value), [value * 10.0])
    times, rows = ring.since(0.0)
    assert times.tolist() == [2, 3, 4, 5]
    assert rows[:, 0].tolist() == [20, 30, 40, 50]
    assert ring.since(4.0)[0].tolist() == [4, 5]
    assert ring.last(2)[:, 0].tolist() == [40, 50]


def test_what_was_not_measured_is_nan_and_not_zero():
    history = _history([_sample(100.0, 5.0)])
    _ages, rows = history.stages()
    assert rows[0, STAGES.index(Stage.INFER)] == 5.0
    assert np.isnan(rows[0, STAGES.index(Stage.H2D)])
    _ages, fps = history.rates()
    assert np.isnan(fps[0, 2])
    assert not history.idle_measured
    assert np.isnan(history.idle()[1]).all()


def test_the_fps_range_never_follows_noise_near_zero():
    assert _usual_top(np.array([[0.02, 0.01, np.nan]])) == LOWEST_TOP_FPS
    assert _usual_top(np.full((3, 3), np.nan)) == LOWEST_TOP_FPS


@pytest.mark.parametrize("fps", [0.6, 1.2, 2.1, 3.0, 4.4, 7.0, 24.0, 612.0])
@pytest.mark.parametrize("before", [1.0, 8.0, 400.0])
def test_the_curve_uses_most_of_the_fps_plot(qtbot, fps, before):
    plot = FpsPlot()
    qtbot.addWidget(plot.widget)
    for rate in (before, fps):
        plot.update(np.array([-1.0, 0.0]), np.full((2, 3), rate))
    low, high = plot.item.viewRange()[1]
    assert low == 0
    assert 0.46 < fps / high < 1


def test_the_fps_range_does_not_jump_with_a_rate_that_wavers(qtbot):
    plot = FpsPlot()
    qtbot.addWidget(plot.widget)
    tops = set()
    for rate in (4.5, 3.6, 4.4, 3.5, 4.6, 2.9):
        plot.update(np.array([-1.0, 0.0]), np.full((2, 3), rate))
        tops.add(plot.item.viewRange()[1][1])
    assert tops == {5.0}


def test_many_frames_are_averaged_into_few_points():
    samples = [_sample(100 + i / 600, 2.0 + (i % 2)) for i in range(6000)]
    ages, rows = _history(samples).stages(max_points=240)
    assert len(ages) <= 480
    assert rows[:, STAGES.index(Stage.INFER)] == pytest.approx(2.5, abs=0.1)
    assert ages[-1] == pytest.approx(0, abs=0.1)


def test_old_frames_leave_the_window():
    samples = [_sample(100.0, 1.0), _sample(100.0 + WINDOW_S + 5, 2.0)]
    ages, _rows = _history(samples).stages()
    assert len(ages) == 1


def test_a_change_of_optimizations_is_marked():
    samples = [_sample(100.0, 1.0), _sample(101.0, 1.0, Optimizations.baseline())]
    assert _history(samples).changes() == [pytest.approx(0.0)]


def test_the_first_pass_of_each_rebuilt_slot_is_no_stage_time():
    after = Optimizations(roi_masks=False, depth=2)
    samples = [_sample(100.0 + i / 10, 5.0) for i in range(5)]
    samples += [_sample(100.5 + i / 10, ms, after) for i, ms in enumerate((80.0, 60.0, 5.0, 5.0))]
    history = _history(samples)
    assert history.stages()[1][:, STAGES.index(Stage.INFER)].tolist() == [5.0] * 7
    assert history.recent_stages()[:, STAGES.index(Stage.INFER)].max() == 5.0
    assert len(history.changes()) == 1


def test_rates_are_judged_by_share():
    assert rate_health(30.0, 30.0).level == 0
    assert rate_health(28.0, 30.0).level == 1
    assert rate_health(20.0, 30.0).level == 2
    assert rate_health(None, 30.0).level == 0
    assert rate_health(5.0, None).level == 0


def test_the_wanted_rate_follows_the_speed():
    from dataclasses import replace

    snapshot = replace(FakeSession().poll(), policy=Policy.KEEP_PACE)
    playback = snapshot.playback
    assert wanted_fps(snapshot) == 30.0
    assert wanted_fps(replace(snapshot, playback=replace(playback, rate=2.0))) == 60.0
    assert wanted_fps(replace(snapshot, playback=replace(playback, rate=None))) is None


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.9, 1), (2.3, 3), (3.1, 4), (41, 50), (61, 80), (812, 1000)]
)
def test_plot_ranges_are_round(value, top):
    assert nice_above(value) == pytest.approx(top)


def test_texts():
    assert fps_text(None) == "–"  # noqa: RUF001 - the dash itself
    assert fps_text(3.94) == "3.9"
    assert fps_text(612.3) == "612"
    assert ms_text(0.052) == "0.05"
    assert time_text(61.239) == "1:01.24"
    assert time_text(3661.0) == "1:01:01.00"
    assert clock_text(59.9) == "0:59"
    assert bytes_text(612_000_000) == "612 MB"
    assert bytes_text(2_400_000_000) == "2.40 GB"
    assert "<b>" not in tooltip("<b>x</b>")
