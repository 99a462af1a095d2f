"""Every kernel compiles to machine code for each supported GPU generation, with no GPU here."""

import pytest

pytest.importorskip("torch")


@pytest.mark.slow
@pytest.mark.parametrize("capability", ["75", "90"])
def test_every_kernel_compiles(capability, run_offline):
    compiled = run_offline("compile_offline.py", capability).splitlines()
    assert len(compiled) == 15
    assert all(line.startswith(capability) and ":" in line for line in compiled)
