"""Depthwise convolution with LayerNorm against torch's two steps."""

import pytest

torch = pytest.importorskip("torch")

from rfviewer_kernels.depthwise import depthwise_norm  # noqa: E402

cuda = pytest.mark.needs_cuda
SIZES = [(5, 3, 8), (1, 1, 16), (4, 7, 6), pytest.param(78, 78, 256, marks=cuda)]


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize(("height", "width", "channels"), SIZES)
def test_equals_convolution_then_norm(height, width, channels, dtype, images, device, rng):
    def random(*shape):
        return torch.randn(*shape, device=device, generator=rng).to(dtype)

    x = random(images, height, width, channels)
    weight, bias, scale, shift = random(3, 3, channels), *(random(channels) for _ in range(3))
    got = depthwise_norm(x, weight, bias, scale, shift, 1e-6)
    wide = torch.nn.functional.conv2d(
        x.permute(0, 3, 1, 2).double(),
        weight.permute(2, 0, 1)[:, None].double(),
        bias.double(),
        padding=1,
        groups=channels,
    )
    expected = torch.nn.functional.layer_norm(
        wide.permute(0, 2, 3, 1), (channels,), scale.double(), shift.double(), 1e-6
    )
    error = (got.double() - expected).norm() / expected.norm()
    assert error < (1e-3 if dtype is torch.float16 else 1e-6)
