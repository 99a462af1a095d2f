"""NVTX ranges: there when asked for and installed, absent and free otherwise."""

import sys
import types
from contextlib import closing

import pytest

from rfviewer.compose import build_engine
from rfviewer.config import EngineConfig
from rfviewer.engine.ranges import RangedEngine, nvtx_calls
from rfviewer.errors import EngineError
from rfviewer.optimizations import Optimizations
from tests.engine.fake_backend import frame

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


def test_without_any_nvtx_it_is_told_in_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "nvtx", None)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "torch.cuda.nvtx", None)
    with pytest.raises(EngineError, match="--nvtx needs"):
        nvtx_calls()
