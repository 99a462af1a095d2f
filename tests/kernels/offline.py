"""Compiles kernels through their launchers for a GPU that need not be there; nothing is launched.

For scripts of this folder: the interpreter, which the tests run on without a GPU, compiles nothing.
"""

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.runtime.jit import JITFunction


class OfflineDriver:
    """Stands in for the CUDA driver: knows a target, has no device."""

    def __init__(self, capability):
        self._target = GPUTarget("cuda", capability, 32)

    def get_current_target(self):
        return self._target

    def get_current_device(self):
        return 0

    def get_current_stream(self, device):
        return 0

    def get_active_torch_device(self):
        return torch.device("cpu")


def compile_only(capability, note):
    """Let every launch from now on compile, and call `note` with the kernel's name and assembly."""
    original = JITFunction.run

    def run(self, *args, grid, warmup, **kwargs):
        kernel = original(self, *args, grid=grid, warmup=True, **kwargs)
        note(self.__name__, kernel.asm)
        return kernel

    JITFunction.run = run
    triton.runtime.driver.set_active(OfflineDriver(capability))
