"""Test stands on a simulated machine."""

import numpy as np
import pytest

from rfviewer.config import View
from rfviewer.lab.stand import Stand
from tests.lab.sim_engine import Machine, SimEngine, frames


@pytest.fixture
def stand_of():
    """Return a maker of stands: seed, planted slowdowns, and what the machine is like."""

    def make(seed=0, slower=None, unavailable=None, check=lambda: None, **machine):
        clock = Machine(np.random.default_rng(seed), **machine)
        engine = SimEngine(clock, slower or {}, unavailable or {})
        return Stand(engine, frames(), View(), None, check, clock.clock_ns)

    return make
