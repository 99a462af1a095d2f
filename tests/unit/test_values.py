"""The value types refuse contradictions and compute what they say."""

import logging
import pickle
from pathlib import Path

import numpy as np
import pytest

from rfviewer import log
from rfviewer.command_line import command_for
from rfviewer.config import EngineConfig, Playback, Policy, Settings, View, settings_from
from rfviewer.decode import Decode
from rfviewer.detections import Detections, InstanceMasks
from rfviewer.errors import UsageError
from rfviewer.frame import Frame, PixelFormat
from rfviewer.optimizations import Optimizations
from rfviewer.timing import RateMeter, Span, Stage, StageTimings, percentile


def masks_of(dense: np.ndarray, *, packed: bool) -> InstanceMasks:
    regions = []
    for mask in dense:
        ys, xs = np.nonzero(mask)
        empty = len(xs) == 0
        regions.append((0, 0, 0, 0) if empty else (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1))
    data = np.packbits(dense, axis=2, bitorder="little") if packed else dense.astype(np.uint8)
    height, width = dense.shape[1:]
    return InstanceMasks(data, np.array(regions, np.int32), width, height, packed)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("width", [1, 7, 8, 9, 31, 312])
def test_masks_give_back_what_went_in(packed: bool, width: int) -> None:
    rng = np.random.default_rng(width)
    dense = rng.random((5, 11, width)) < 0.3
    dense[3] = False
    masks = masks_of(dense, packed=packed)
    assert np.array_equal(masks.dense(), dense)
    assert np.array_equal(masks.areas(), dense.sum((1, 2)))
    for index in range(5):
        crop, x0, y0 = masks.crop(index)
        again = np.zeros_like(dense[index])
        again[y0 : y0 + crop.shape[0], x0 : x0 + crop.shape[1]] = crop
        assert np.array_equal(again, dense[index])
    assert np.array_equal(masks.select(np.array([4, 1])).dense(), dense[[4, 1]])


def test_masks_of_a_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        InstanceMasks(np.zeros((1, 4, 4), np.uint8), np.zeros((1, 4), np.int32), 9, 4, packed=True)


def test_frames_check_their_size() -> None:
    with pytest.raises(ValueError, match="uint8"):
        Frame(np.zeros((4, 4, 3), np.uint8), 5, 4, 0, 0.0, 0)
    with pytest.raises(ValueError, match="uint8"):
        Frame(np.zeros((4, 4, 3), np.float32), 4, 4, 0, 0.0, 0)  # type: ignore[arg-type]
    Frame(np.zeros((6, 4), np.uint8), 4, 4, 0, 0.0, 0, pixel_format=PixelFormat.NV12)


def test_visible_is_strict_and_hides_classes() -> None:
    detections = Detections(
        np.zeros((3, 4), np.float32), np.array([0.9, 0.5, 0.4], np.float32), np.array([1, 2, 1])
    )
    assert list(detections.visible(0.5, ()).scores) == pytest.approx([0.9])
    assert list(detections.visible(0.1, {1}).class_ids) == [2]
    assert detections.visible(0.1, ()) is detections


def test_columns_must_agree() -> None:
    with pytest.raises(ValueError, match="scores"):
        Detections(np.zeros((2, 4), np.float32), np.zeros(3, np.float32), np.zeros(3, np.int32))


def test_rate_is_gaps_over_time_and_falls_when_frames_stop() -> None:
    meter = RateMeter(window_s=2.0)
    second = 1_000_000_000
    assert meter.rate(0) is None
    for index in range(26):
        meter.tick(index * second // 25)
    assert meter.rate(second) == pytest.approx(25.0)
    assert meter.rate(3 * second) == pytest.approx(0.5)


def test_timings_survive_a_pipe() -> None:
    timings = StageTimings({Stage.INFER: 1.5}, 1_000_000, 4_000_000)
    timings = timings.with_others({Stage.RENDER: 2.0}, [Span("draw", Stage.RENDER, 1, 2, 7)])
    again = pickle.loads(pickle.dumps(timings))
    assert again.stages_ms == {Stage.INFER: 1.5, Stage.RENDER: 2.0}
    assert again.spans == (Span("draw", Stage.RENDER, 1, 2, 7),)
    assert again.latency_ms == pytest.approx(3.0)


def test_percentile() -> None:
    assert percentile([], 0.5) is None
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([float(v) for v in range(101)], 0.95) == 95.0


def test_settings_are_checked() -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        View(threshold=1.5)
    with pytest.raises(UsageError, match="speed"):
        Playback(rate=0)
    with pytest.raises(UsageError, match="no backend"):
        EngineConfig(backend="gpu")


def test_a_config_table_becomes_settings() -> None:
    table = {
        "view": {"threshold": 0.4, "color_by": "instance", "hidden_class_ids": [1, 3]},
        "engine": {"resize": "B"},
        "optimizations": {"depth": 3, "roi_masks": False},
    }
    settings = settings_from(table, "config.toml")
    assert settings.view.hidden_class_ids == {1, 3}
    assert settings.engine.resize == "B"
    assert settings.optimizations == Optimizations(depth=3, roi_masks=False)
    for bad in ({"colour": {}}, {"view": {"shade": 1}}, {"engine": {"resize": "C"}}):
        with pytest.raises(UsageError, match=r"config\.toml"):
            settings_from(bad, "config.toml")


def test_the_copied_command_names_what_differs() -> None:
    settings = Settings(
        view=View(threshold=0.4), optimizations=Optimizations(depth=1, roi_masks=False)
    )
    command = command_for(settings, "rtsp://user:secret@host/cam 1")
    assert command == ("rfviewer 'rtsp://host/cam 1' --threshold 0.4 --set depth=1 roi_masks=off")


def test_the_copied_command_names_threads_and_playback() -> None:
    playback = Playback(policy=Policy.KEEP_PACE, loop=True, start_s=1.5)
    settings = Settings(engine=EngineConfig(threads=2), playback=playback)
    expected = "rfviewer demo --threads 2 --policy keep-pace --start 1.5 --loop"
    assert command_for(settings, "demo") == expected


def test_the_copied_command_names_the_decoder() -> None:
    settings = Settings(playback=Playback(decode=Decode.GPU))
    assert command_for(settings, "demo") == "rfviewer demo --decode gpu"


def test_passwords_never_reach_the_log(tmp_path: Path) -> None:
    log.setup(tmp_path)
    try:
        log.source.info("opening %s", "rtsp://user:secret@host/1")
        text = (tmp_path / "rfviewer.log").read_text(encoding="utf-8")
    finally:
        for handler in list(logging.getLogger("rfviewer").handlers):
            handler.close()
        logging.getLogger("rfviewer").handlers.clear()
        logging.getLogger("rfviewer").propagate = True
    assert "rtsp://host/1" in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://u:p@ss@host/1", "rtsp://host/1"),
        ("rtsp://u:p/a@ss@host/1", "rtsp://host/1"),
        ("open http://h/v?token=abc&x=1 failed", "open http://h/v?token=***&x=1 failed"),
        ("mail me@here, see https://host/a", "mail me@here, see https://host/a"),
    ],
)
def test_what_is_shown_of_an_address_holds_no_secret(text: str, shown: str) -> None:
    assert log.redact(text) == shown
