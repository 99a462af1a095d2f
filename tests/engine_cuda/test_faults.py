"""Which errors mean that the GPU is lost, and how they read."""

import pytest

from rfviewer.engine.cuda.faults import engine_error, is_device_lost, memory_error
from rfviewer.errors import DeviceLostError, EngineError


class AcceleratorError(RuntimeError):
    def __init__(self, code):
        super().__init__(f"CUDA error: number {code}\nCompile with device-side assertions.")
        self.error_code = code


@pytest.mark.parametrize("code", [700, 702, 710, 716, 717, 718, 719, 999])
def test_a_dead_context_is_a_lost_device(code):
    error = engine_error("Frame 3 failed on the GPU", AcceleratorError(code))
    assert isinstance(error, DeviceLostError)
    assert str(error) == (
        "Frame 3 failed on the GPU and the GPU is lost to this process"
        f" (CUDA error: number {code}); restart the engine process."
    )


@pytest.mark.parametrize("code", [1, 2, 209, 701, 900])
def test_other_errors_leave_the_device(code):
    error = engine_error("Frame 3 failed on the GPU", AcceleratorError(code))
    assert type(error) is EngineError
    assert str(error) == f"Frame 3 failed on the GPU (CUDA error: number {code})."


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("Triton Error [CUDA]: an illegal memory access was encountered", True),
        ("CUDA error: unspecified launch failure", True),
        ("CUDA error: device-side assert triggered", True),
        ("Triton Error [CUDA]: out of memory", False),
        ("an unknown error occurred while reading a file", False),
        ("shape mismatch", False),
    ],
)
def test_errors_without_a_code_are_known_by_their_words(text, lost):
    assert is_device_lost(RuntimeError(text)) == lost


def test_an_error_of_ours_stays_what_it_is():
    error = EngineError("The model output is invalid.")
    assert engine_error("Frame 3 failed", error) is error


def test_memory_is_told_in_figures():
    text = (
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.11 GiB"
        " of which 512.00 MiB is free."
    )
    error = memory_error("4 frames of 3840x2160 in flight", "lower depth to 3", RuntimeError(text))
    assert str(error) == (
        "The GPU's memory does not suffice for 4 frames of 3840x2160 in flight"
        " (2.00 GiB more needed, 512.00 MiB free); lower depth to 3."
    )
    assert "(" not in str(memory_error("x", "y", RuntimeError("out of memory")))
