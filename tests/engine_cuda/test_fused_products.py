"""The network's products by our kernel and by the library: the same, however one is asked for.

Without a GPU the kernel's torch twin takes its place: what is compared then is how it is called.
"""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton")

from rfviewer.engine.backends.fused import products  # noqa: E402
from rfviewer_kernels.network import reference  # noqa: E402

pytestmark = pytest.mark.needs_torch
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
TYPES = [torch.float16, torch.bfloat16]


@pytest.fixture(autouse=True)
def calls(monkeypatch):
    """Count calls of the kernel."""
    made = []
    kernel = products.linear if DEVICE.type == "cuda" else reference.linear

    def counted(*args, **options):
        made.append(options)
        return kernel(*args, **options)

    monkeypatch.setattr(products, "linear", counted)
    return made


def draw(*shape, dtype):
    numbers = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape, generator=numbers).to(DEVICE, dtype)


def by_both(calls, monkeypatch, *args, **options):
    """Return the product by the kernel and by the library."""
    found = []
    for most in (products._FEW_TILES, 0):
        monkeypatch.setattr(products, "_FEW_TILES", most)
        before = len(calls)
        given = {name: value.clone() if name == "add" else value for name, value in options.items()}
        found.append(products.product(*args, **given))
        assert len(calls) - before == (1 if most else 0)
    return found


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(7, 80), (2, 5, 80), (100, 432)])
@pytest.mark.parametrize("activation", ["none", "relu"])
@pytest.mark.parametrize("bias", [True, False])
def test_products(calls, monkeypatch, dtype, shape, activation, bias):
    x, weight = draw(*shape, dtype=dtype), draw(72, shape[-1], dtype=dtype) / 9
    shift = draw(72, dtype=dtype) if bias else None
    ours, library = by_both(calls, monkeypatch, x, weight, shift, activation=activation)
    assert ours.shape == library.shape == (*shape[:-1], 72)
    torch.testing.assert_close(ours, library, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("dtype", TYPES)
def test_a_product_is_added(calls, monkeypatch, dtype):
    x, weight, rows = (draw(*s, dtype=dtype) for s in ((7, 80), (72, 80), (7, 72)))
    ours, library = by_both(calls, monkeypatch, x, weight / 9, add=rows)
    torch.testing.assert_close(ours, library, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("most", [products._FEW_TILES, 0])
def test_a_product_is_added_in_place_beside_what_stays(monkeypatch, most):
    monkeypatch.setattr(products, "_FEW_TILES", most)
    x, weight, wide = (draw(*s, dtype=torch.float16) for s in ((7, 80), (72, 80), (7, 200)))
    before, target = wide.clone(), wide[:, 96:168]
    expected = target.float() + x.float() @ weight.float().t()
    products.product(x, weight, add=target, out=target)
    torch.testing.assert_close(target.float(), expected, rtol=2e-2, atol=5e-2)
    before[:, 96:168] = target
    assert torch.equal(wide, before)


def test_large_products_deep_sums_and_wide_types_are_the_librarys(calls):
    half = torch.float16
    products.product(draw(1300, 64, dtype=half), draw(768, 64, dtype=half))
    products.product(draw(100, 2048, dtype=half), draw(64, 2048, dtype=half))
    products.product(draw(7, 64, dtype=torch.float32), draw(64, 64, dtype=torch.float32))
    assert not calls
    products.product(draw(677, 384, dtype=half), draw(1152, 384, dtype=half))
    assert len(calls) == 1


def test_what_only_one_of_them_could_do_is_refused(monkeypatch):
    half = torch.float16
    x, weight, rows = (draw(*s, dtype=half) for s in ((7, 80), (72, 80), (7, 72)))
    with pytest.raises(ValueError, match="overwrites nothing"):
        products.product(x, weight, out=rows)
    monkeypatch.setattr(products, "_FEW_TILES", 0)
    with pytest.raises(ValueError, match="no library product"):
        products.product(x, weight, add=rows, activation="relu")
    with pytest.raises(ValueError, match="no library product"):
        products.product(x, weight, rows[0], add=rows)
