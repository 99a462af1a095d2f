"""Fixtures of the engine room."""

import pytest

from rfviewer.config import EngineConfig, ResizeMode
from rfviewer.engine.host_engine import HostEngine
from rfviewer.optimizations import Optimizations
from rfviewer.pipeline.threads import start_thread
from tests.engine.fake_backend import SPEC, FakeBackend


@pytest.fixture
def make():
    """Return a function that makes an engine; all are closed at the end of the test."""
    engines = []

    def build(optimizations=None, backend=None, resize=ResizeMode.A):
        engine = HostEngine(
            backend or FakeBackend(),
            SPEC,
            EngineConfig(resize=resize),
            optimizations or Optimizations(depth=1),
            backend_reason="asked for by name",
            start_thread=start_thread,
        )
        engines.append(engine)
        return engine

    yield build
    for engine in engines:
        engine.close()
