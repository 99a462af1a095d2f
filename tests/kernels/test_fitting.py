"""Fewer stages where a kernel needs more shared memory than the device has."""

import pytest

pytest.importorskip("triton")

from triton.runtime.errors import OutOfResources

from rfviewer_kernels import fitting


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch):
    monkeypatch.setattr(fitting, "_fitting", {})


def device(fits):
    """Return a launch on a device for so many stages, and the list of what it was asked for."""
    asked = []

    def launch(stages):
        asked.append(stages)
        if stages > fits:
            raise OutOfResources(417792, 101376, "shared memory")

    return launch, asked


@pytest.mark.parametrize(("fits", "tried"), [(4, [4]), (3, [4, 3]), (1, [4, 3, 2, 1])])
def test_as_many_stages_as_fit(fits, tried):
    launch, asked = device(fits)
    fitting.launch_fitting("conv", 4, launch)
    assert asked == tried
    fitting.launch_fitting("conv", 4, launch)  # nothing is tried again
    assert asked == [*tried, fits]


def test_other_kernels_and_wishes_are_tried_for_themselves():
    launch, asked = device(2)
    fitting.launch_fitting("conv", 4, launch)
    asked.clear()
    fitting.launch_fitting("product", 3, launch)
    assert asked == [3, 2]
    asked.clear()
    fitting.launch_fitting("conv", 1, launch)
    assert asked == [1]


def test_what_fits_in_no_way_says_so():
    launch, asked = device(0)
    with pytest.raises(OutOfResources):
        fitting.launch_fitting("conv", 2, launch)
    assert asked == [2, 1]


def test_another_fault_is_no_reason_for_fewer_stages():
    def launch(stages):
        raise ValueError(f"a stride of {stages}")

    with pytest.raises(ValueError, match="a stride of 4"):
        fitting.launch_fitting("conv", 4, launch)
