"""Dependent launches: nothing is touched too early, and the same bytes come out."""

import json
import re
from pathlib import Path
from threading import Thread

import pytest

torch = pytest.importorskip("torch")

from triton import TritonError  # noqa: E402

from rfviewer_kernels.network import dependent, norms, products  # noqa: E402

KERNELS = Path(__file__).parents[2] / "kernels"
MEMORY = re.compile(r"\b(ld|st|atom|red|cp|tex|suld|sust|mbarrier|ldmatrix|stmatrix|prefetch)\.\S*")
PARAMETERS = "ld.param"


@pytest.fixture(scope="module")
def assembly(run_offline):
    """PTX of every kernel of the network, launched plainly and dependently."""
    return json.loads(run_offline("compile_network.py"))


def test_every_kernel_waits_before_it_touches_memory(assembly):
    folder = KERNELS / "rfviewer_kernels/network"
    sources = "".join(path.read_text() for path in sorted(folder.glob("*.py")))
    compiled = {name for name, _ in assembly["dependent"]}
    assert compiled == set(re.findall(r"@triton\.jit\ndef (\w+_kernel)", sources))
    for name, text in assembly["dependent"]:
        wait = text.index("griddepcontrol.wait")
        early = [m.group() for m in MEMORY.finditer(text[:wait])]
        assert all(op.startswith(PARAMETERS) for op in early), (name, early)
        assert wait < text.index("griddepcontrol.launch_dependents"), name


def test_plain_launches_know_nothing_of_it(assembly):
    for name, text in assembly["plain"]:
        assert "griddepcontrol" not in text, name


def test_launches_are_plain_unless_this_thread_asks():
    told = []
    plain, asked = {"DEPENDENT": False}, {"DEPENDENT": True, "launch_pdl": True}
    assert dependent.launch_options() == plain
    with dependent.dependent_launches(wanted=True):
        assert dependent.launch_options() == asked
        thread = Thread(target=lambda: told.append(dependent.launch_options()))
        thread.start()
        thread.join()
        with dependent.dependent_launches(wanted=False):
            assert dependent.launch_options() == plain
        assert dependent.launch_options() == asked
    assert [*told, dependent.launch_options()] == [plain, plain]


@pytest.mark.parametrize(
    ("capability", "obstacle"),
    [
        ((8, 9), "needs compute capability 9.0, this GPU has 8.9"),
        ((9, 0), ""),
        ((12, 0), ""),
    ],
)
def test_older_gpus_cannot(capability, obstacle, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(dependent, "probe", lambda device: None)
    assert dependent.dependent_obstacle(torch.device("cuda")) == obstacle


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            RuntimeError("Triton Error [CUDA]: operation not supported\nmore"),
            "refused here (Triton Error [CUDA]: operation not supported)",
        ),
        (TritonError(), "refused here (TritonError)"),
    ],
)
def test_a_refused_launch_is_the_obstacle_and_no_error(error, reason, monkeypatch):
    asked = []

    def refuse(device):
        asked.append(dependent.launch_options())
        raise error

    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(dependent, "probe", refuse)
    assert dependent.dependent_obstacle(torch.device("cuda")) == reason
    assert asked == [{"DEPENDENT": True, "launch_pdl": True}]


@pytest.mark.needs_cuda
def test_a_chain_of_kernels_gives_the_same_bytes(device, rng):
    if obstacle := dependent.dependent_obstacle(device):
        pytest.skip(obstacle)
    width, rows, layers = 384, 677, 24
    norm = torch.nn.LayerNorm(width, device=device).half().requires_grad_(requires_grad=False)
    weights = [
        (torch.randn(width, width, generator=rng, device=device) / width**0.5).half()
        for _ in range(layers)
    ]
    first = torch.randn(rows, width, generator=rng, device=device).half()
    residual = torch.randn(rows, width, generator=rng, device=device)

    side = torch.cuda.Stream(device)

    def chain():
        stream, x = norms.add_norm(first, residual, norm, post=False)
        beside = first
        for number, weight in enumerate(weights):
            main = torch.cuda.current_stream()
            side.wait_stream(main)
            with torch.cuda.stream(side):
                beside = products.linear(x, weight, activation="relu")
            branch = products.linear(x, weight, activation="gelu")
            if number % 2:
                branch = branch + 1  # a kernel of torch between ours
            stream, x = norms.add_norm(branch, stream, norm, post=False)
            main.wait_stream(side)
            x = products.linear(x, weight, add=beside)
        return stream, x

    def captured():
        chain()
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            found = chain()
        return graph, found

    plain, expected = captured()
    with dependent.dependent_launches(wanted=True):
        graph, found = captured()
    for _ in range(50):
        first.copy_(torch.randn(rows, width, generator=rng, device=device))
        plain.replay()
        for _ in range(4):  # back to back
            graph.replay()
        torch.cuda.synchronize()
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
