"""Which form of the network runs, without a GPU: what changes it, and what cannot be had."""

from types import SimpleNamespace

import pytest

pytest.importorskip("torch")

from rfviewer.engine.backends.torch_network import TorchNetwork
from rfviewer.engine.cuda.network import FusableNetwork, choose_form
from rfviewer.optimizations import Optimizations
from tests.engine_cuda.fake_network import Kept

pytestmark = pytest.mark.needs_torch


def network(*, no_fused="", no_dependent="", fused=True, dependent=True):
    """Return a network in that form, without weights: every trace is there already."""
    made = TorchNetwork.__new__(TorchNetwork)
    made.fused_obstacle, made.dependent_obstacle = no_fused, no_dependent
    made._use_fused, made._dependent = fused, dependent
    made._traced, made._module = dict.fromkeys((1, 2, 4, 8)), None
    return made


def test_what_tests_keep_over_engines_still_has_two_forms():
    assert isinstance(Kept(network()), FusableNetwork)


@pytest.mark.parametrize(
    ("before", "wanted", "changed", "dependent"),
    [
        ((True, True), (True, True), False, True),
        ((True, True), (True, False), True, False),
        ((True, False), (True, True), True, True),
        ((True, True), (False, True), True, False),
        ((False, True), (False, False), False, False),
        ((False, False), (True, True), True, True),
    ],
)
def test_a_change_is_what_changes_the_launches(before, wanted, changed, dependent):
    made = network(fused=before[0], dependent=before[1])
    assert made.use_form(fused=wanted[0], dependent=wanted[1], batch=1) == changed
    assert (made.runs_fused, made.launches_dependently) == (wanted[0], dependent)


def test_where_the_gpu_cannot_nothing_changes():
    made = network(no_dependent="needs another GPU", dependent=False)
    assert not made.use_form(fused=True, dependent=True, batch=1)
    assert not made.launches_dependently


@pytest.mark.parametrize(
    ("no_fused", "no_dependent", "obstacles"),
    [
        ("", "", {}),
        ("", "an old GPU", {"dependent_launch": "an old GPU"}),
        (
            "two windows",
            "an old GPU",
            {"fused_network": "two windows", "dependent_launch": "two windows"},
        ),
    ],
)
def test_obstacles_are_told_by_optimization(no_fused, no_dependent, obstacles):
    made = network(
        no_fused=no_fused, no_dependent=no_dependent, fused=not no_fused, dependent=not no_dependent
    )
    assert choose_form(made, Optimizations()) == (False, obstacles)


def test_a_network_of_one_form_says_so_and_keeps_its_own_obstacle():
    engine = SimpleNamespace(name="tensorrt", batch_obstacle="built for one frame")
    one_form = "tensorrt has one form only"
    assert choose_form(engine, Optimizations(micro_batch=4)) == (
        False,
        {
            "fused_network": one_form,
            "dependent_launch": one_form,
            "micro_batch": "built for one frame",
        },
    )
