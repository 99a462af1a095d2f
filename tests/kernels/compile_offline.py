"""Compiles every kernel for a GPU that need not be there, through the launchers themselves.

    PYTHONPATH=kernels:packaging/gpu python tests/kernels/compile_offline.py 90

Run as a script by test_compile.py, without the interpreter. Triton's own ptxas turns each kernel
into machine code; nothing is launched. Prints "capability, case, kernels".
"""

import sys

import torch
from cases import cases
from offline import compile_only


def main():
    compiled = []
    capability = int(sys.argv[1])
    compile_only(capability, lambda name, asm: compiled.append(f"{name}:{len(asm['cubin'])}"))
    for case in cases(torch.device("cpu"), (312, 176)):
        compiled.clear()
        case.launch()
        sys.stdout.write(" ".join((str(capability), case.name, *compiled)) + "\n")


main()
