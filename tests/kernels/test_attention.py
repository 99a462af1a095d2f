"""Attention for short sequences against torch's own."""

import pytest

torch = pytest.importorskip("torch")

from rfviewer_kernels.attention import short_attention  # noqa: E402

cuda = pytest.mark.needs_cuda
SIZES = [(2, 5, 16), (1, 70, 16), pytest.param((6, 677, 64), marks=cuda)]  # heads, tokens, depth


@pytest.mark.parametrize("dtype", [torch.float16, pytest.param(torch.float32, marks=cuda)])
@pytest.mark.parametrize("size", SIZES)
def test_equals_scaled_dot_product_attention(size, dtype, device, rng):
    heads, tokens, depth = size
    fused = torch.randn(1, tokens, 3, heads, depth, device=device, generator=rng) * 2
    q, k, v = fused.to(dtype).permute(2, 0, 3, 1, 4)
    got = short_attention(q, k, v)
    expected = torch.nn.functional.scaled_dot_product_attention(q.double(), k.double(), v.double())
    expected = expected.transpose(1, 2).reshape(1, tokens, heads * depth)
    error = (got.double() - expected).norm() / expected.norm()
    # fp16 rounds the weights before the second product; fp32 dots may run as tf32.
    assert error < 2e-3


def test_large_scores_do_not_overflow(device):
    q = torch.full((1, 1, 3, 16), 60.0, dtype=torch.float16, device=device)
    v = torch.randn(1, 1, 3, 16, dtype=torch.float16, device=device)
    got = short_attention(q, q, v)
    torch.testing.assert_close(got, v[0].mean(1, keepdim=True).expand(1, 3, 16), atol=2e-3, rtol=0)
