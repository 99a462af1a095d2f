"""As many pipeline stages of a kernel as the device's shared memory holds.

Tiles are measured on large GPUs; a block of a consumer GPU has less than half of their shared
memory (99 against 227 KB). With fewer stages the same kernel loads less ahead.
"""

from collections.abc import Callable, Hashable

from triton.runtime.errors import OutOfResources

_fitting: dict[tuple[Hashable, int], int] = {}
"""Stages with which a kernel has run, by what its size depends on and the stages that were wanted.
Any thread: a value is only ever replaced by the same one."""


def launch_fitting(key: Hashable, stages: int, launch: Callable[[int], object]) -> None:
    """Call `launch` with `stages`, or with as many fewer as fit; a second call knows how many.

    Args:
        key: kernel, device, type and sizes: what the need of shared memory depends on.
        stages: wanted.
        launch: puts the kernel on the current stream with so many stages.

    Raises:
        OutOfResources: the kernel does not fit with a single stage either.
    """
    fitting = _fitting.get((key, stages), stages)
    while True:
        try:
            launch(fitting)
        except OutOfResources:
            if fitting == 1:
                raise
            fitting -= 1
        else:
            _fitting[key, stages] = fitting
            return
