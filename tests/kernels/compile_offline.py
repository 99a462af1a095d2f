"""Compiles every kernel for a GPU that need not be there, through the launchers themselves.

    PYTHONPATH=kernels:packaging/gpu python tests/kernels/compile_offline.py 90

Run as a script by test_compile.py, without the interpreter. Triton's own ptxas turns each kernel
into machine code; nothing is launched. Prints "capability, case, kernels".
"""

import sys

import torch
import triton
from cases import cases
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


def main():
    compiled = []
    original = JITFunction.run

    def compile_only(self, *args, grid, warmup, **kwargs):
        kernel = original(self, *args, grid=grid, warmup=True, **kwargs)
        compiled.append(f"{self.__name__}:{len(kernel.asm['cubin'])}")

    JITFunction.run = compile_only
    capability = int(sys.argv[1])
    triton.runtime.driver.set_active(OfflineDriver(capability))
    for case in cases(torch.device("cpu"), (312, 176)):
        compiled.clear()
        case.launch()
        sys.stdout.write(" ".join((str(capability), case.name, *compiled)) + "\n")


main()
