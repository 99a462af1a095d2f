"""NVTX ranges: there when asked for and installed, absent and free otherwise."""

import sys
import types
from contextlib import closing
from dataclasses import replace

import pytest

from rfviewer.compose import build_engine
from rfviewer.config import EngineConfig
from rfviewer.engine.ranges import Rangeable, RangedEngine, Ranges, nvtx_calls
from rfviewer.errors import EngineError
from rfviewer.optimizations import Optimizations
from tests.engine.fake_backend import FakeBackend, frame

QUIET = EngineConfig(model="none")


def no_progress(*_):
    pass


@pytest.fixture
def marks(monkeypatch):
    """Put a recording nvtx in the place of the package."""
    seen = []
    fake = types.ModuleType("nvtx")
    fake.push_range = seen.append
    fake.pop_range = lambda: seen.append("end")
    monkeypatch.setitem(sys.modules, "nvtx", fake)
    return seen


def test_the_engine_is_the_plain_one_unless_ranges_are_wanted(marks):
    with closing(build_engine(QUIET, Optimizations(), no_progress)) as engine:
        assert not isinstance(engine, RangedEngine)
    assert marks == []


def test_every_call_has_its_range_also_when_it_fails(marks):
    config = EngineConfig(model="none", nvtx=True)
    with closing(build_engine(config, Optimizations(), no_progress)) as engine:
        assert engine.depth == 1
        engine.submit(frame(7), 0.5)
        assert engine.in_flight == 1
        assert engine.collect().frame.frame_index == 7
        engine.configure(Optimizations(depth=1))
        with pytest.raises(IndexError):
            engine.collect()
    expected = ["submit frame 7", "end", "collect", "end", "configure", "end", "collect", "end"]
    assert marks == expected


@pytest.mark.parametrize("depth", [1, 2])
def test_each_stage_of_a_slot_has_its_range(make, depth):
    seen = []
    engine = make(Optimizations(depth=depth))
    ranged = RangedEngine(engine, Ranges(seen.append, lambda: seen.append("end")))
    assert isinstance(engine, Rangeable)
    ranged.submit(frame(3), 0.5)
    assert len(ranged.collect().detections) > 0
    for stage in ("preprocess", "infer", "postprocess"):
        assert seen.count(stage) == 1
    assert seen.count("end") == 5  # these, submit and collect
    outside = [name for name in seen if name in {"preprocess", "infer", "postprocess"}]
    assert outside == ["preprocess", "infer", "postprocess"]


def test_a_stage_that_fails_ends_its_range(make):
    seen = []
    backend = FakeBackend()
    engine = RangedEngine(make(backend=backend), Ranges(seen.append, lambda: seen.append("end")))
    backend.fails_with = RuntimeError("boom")
    engine.submit(frame(0), 0.5)
    with pytest.raises(EngineError, match="boom"):
        engine.collect()
    assert seen.count("end") == len(seen) / 2
    assert "postprocess" not in seen


def test_ranges_keep_the_frames_where_the_engine_wants_them(make):
    class Homely:
        def home(self, item):
            return replace(item, frame_index=77)

    no_mark = Ranges(lambda name: None, lambda: None)
    assert RangedEngine(Homely(), no_mark).home(frame(1)).frame_index == 77
    item = frame(2)
    assert RangedEngine(make(), no_mark).home(item) is item


def test_without_any_nvtx_it_is_told_in_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "nvtx", None)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "torch.cuda.nvtx", None)
    with pytest.raises(EngineError, match="--nvtx needs"):
        nvtx_calls()
