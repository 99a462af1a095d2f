"""The network's own kernels against their torch twins, on shapes that leave ragged edges."""

import pytest

torch = pytest.importorskip("torch")

from rfviewer_kernels.network import (  # noqa: E402
    convolutions,
    decoder,
    norms,
    products,
    reference,
    sampling,
)
from rfviewer_kernels.network.attention import attention  # noqa: E402

TYPES = [torch.float32, torch.float16]
# A few units in the last place of the type: sums are fp32 on both sides, their order is not.
CLOSE = {torch.float32: (1e-5, 2e-5), torch.float16: (2e-3, 2e-3)}


def assert_close(got, expected):
    rtol, atol = CLOSE[expected.dtype]
    torch.testing.assert_close(got, expected, rtol=rtol, atol=atol)


@pytest.fixture(autouse=True)
def _full_precision(monkeypatch):
    """The twins' fp32 convolutions may not round to tf32."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@pytest.fixture(params=TYPES, ids=str)
def dtype(request):
    return request.param


@pytest.fixture
def draw(device, rng, dtype):
    """Return random values of a shape, in the type under test unless another is given."""

    def make(*shape, kind=dtype):
        return torch.randn(shape, generator=rng, device=device).to(kind)

    return make


@pytest.fixture
def norm(device, rng, dtype):
    """Return a LayerNorm whose weights are not the trivial ones."""

    def make(width, epsilon=1e-6):
        made = torch.nn.LayerNorm(width, eps=epsilon, device=device)
        made.weight.data = torch.rand(width, generator=rng, device=device) + 0.5
        made.bias.data = torch.randn(width, generator=rng, device=device)
        return made.to(dtype).requires_grad_(requires_grad=False)

    return make


@pytest.fixture
def linear(device, rng, dtype):
    def make(depth, columns):
        made = torch.nn.Linear(depth, columns, device=device)
        made.weight.data = torch.randn(columns, depth, generator=rng, device=device) / depth**0.5
        return made.to(dtype).requires_grad_(requires_grad=False)

    return make


@pytest.mark.parametrize("post", [False, True])
def test_add_norm(draw, norm, post):
    branch, residual, layer = draw(2, 3, 24), draw(2, 3, 24, kind=torch.float32), norm(24)
    got = norms.add_norm(branch, residual, layer, post=post)
    for found, expected in zip(
        got, reference.add_norm(branch, residual, layer, post=post), strict=True
    ):
        assert_close(found, expected)
    assert got[0].dtype == torch.float32


@pytest.mark.parametrize("windows", [1, 4])
def test_embed_norm_puts_a_class_token_first_in_every_window(draw, norm, windows):
    patches, layer = draw(2 * windows, 4, 24), norm(24)
    table = draw(windows * 5, 24, kind=torch.float32)
    got = norms.embed_norm(patches, table, layer)
    for found, expected in zip(got, reference.embed_norm(patches, table, layer), strict=True):
        assert_close(found, expected)


@pytest.mark.parametrize(("count", "windows"), [(1, 1), (3, 2), (4, 1)])
def test_stacked_norm_undoes_the_windows(draw, norm, dtype, count, windows):
    tokens = 4 * 6 // windows**2 + 1
    stages = [draw(2 * windows**2, tokens, 24, kind=torch.float32) for _ in range(count)]
    arguments = (stages, norm(24), dtype, (4, 6), windows)
    assert_close(norms.stacked_norm(*arguments), reference.stacked_norm(*arguments))


def test_five_stages_are_refused(draw, norm, dtype):
    stages = [draw(1, 2, 24, kind=torch.float32)] * 5
    with pytest.raises(ValueError, match="one to 4 stages"):
        norms.stacked_norm(stages, norm(24), dtype, (1, 1))


@pytest.mark.parametrize("silu", [False, True])
def test_norm_rows_reads_and_writes_rows_that_lie_apart(draw, norm, silu):
    wide, layer = draw(5, 40), norm(24)
    target = torch.zeros_like(wide)
    got = norms.norm_rows(wide[:, :24], layer, silu=silu, out=target[:, 8:32])
    assert_close(got, reference.norm_rows(wide[:, :24], layer, silu=silu))
    assert not target[:, :8].any()
    assert not target[:, 32:].any()


@pytest.mark.parametrize(
    ("rows", "columns"), [(3, 72), (70, 72), (3, 1032), (257, 72), (257, 1032), (2049, 72)]
)
def test_linear_with_every_tile_and_activation(draw, linear, rows, columns):
    x, layer = draw(rows, 80), linear(80, columns)
    arguments = (x, layer.weight, layer.bias)
    for activation in ("none", "relu", "gelu"):
        got = products.linear(*arguments, activation=activation)
        assert_close(got, reference.linear(*arguments, activation=activation))
    residual = draw(rows, columns)
    got = products.linear(*arguments, activation="gelu", add=residual)
    assert_close(got, reference.linear(*arguments, activation="gelu", add=residual))


def test_linear_over_a_deep_sum(draw, linear):
    x, layer = draw(257, 1040), linear(1040, 72)
    got = products.linear(x, layer.weight, layer.bias)
    rtol, atol = CLOSE[got.dtype]
    expected = reference.linear(x, layer.weight, layer.bias)
    torch.testing.assert_close(got, expected, rtol=rtol, atol=4 * atol)  # sums of 1040 products


def test_linear_adds_in_place_and_leaves_what_lies_beside_alone(draw, linear):
    wide, layer = draw(7, 200), linear(80, 72)
    x, target = wide[:, :80], wide[:, 96:168]
    before = wide.clone()
    expected = reference.linear(x, layer.weight, add=target)
    assert products.linear(x, layer.weight, add=target, out=target) is target
    assert_close(target, expected)
    before[:, 96:168] = target
    assert torch.equal(wide, before)


def test_linear_keeps_leading_dimensions(draw, linear):
    x, layer = draw(2, 3, 80), linear(80, 72)
    got = products.linear(x, layer.weight, layer.bias)
    assert_close(got, reference.linear(x, layer.weight, layer.bias))
    assert got.shape == (2, 3, 72)


def test_linear_refuses_what_does_not_fit(draw, linear):
    layer = linear(80, 72)
    with pytest.raises(ValueError, match="do not fit"):
        products.linear(draw(3, 72), layer.weight)
    with pytest.raises(ValueError, match="do not fit"):
        products.linear(draw(80, 3).t(), layer.weight)
    with pytest.raises(ValueError, match="a result of 72 columns"):
        products.linear(draw(3, 80), layer.weight, add=draw(3, 64))
    with pytest.raises(ValueError, match="the weight"):
        products.linear(draw(3, 80).double(), layer.weight)


def test_query_pixels_adds_the_shift_of_each_query(draw):
    queries, pixels = draw(2, 5, 136), draw(2, 70, 128)
    got = products.query_pixels(queries, pixels)
    rtol, atol = CLOSE[got.dtype]
    expected = reference.query_pixels(queries, pixels)
    torch.testing.assert_close(got, expected, rtol=rtol, atol=8 * atol)  # sums of 128 products


def test_conv_norm_silu_keeps_the_border_and_the_images_apart(draw, norm):
    wide, weight, layer = draw(2 * 12, 144), draw(9, 128, 16) / 34, norm(16)
    x, out = wide[:, 16:], torch.zeros_like(wide)[:, 8:24]
    got = convolutions.conv_norm_silu(x, weight, layer, (3, 4), out)
    assert_close(got, reference.conv_norm_silu(x, weight, layer, (3, 4), torch.zeros_like(out)))


@pytest.mark.parametrize("channels", [16, 24])
def test_depthwise_norm_keeps_the_border_and_the_images_apart(draw, norm, channels):
    arguments = (draw(2 * 12, channels), draw(9, channels), draw(channels), norm(channels), (3, 4))
    got = convolutions.depthwise_norm(*arguments)
    assert_close(got, reference.depthwise_norm(*arguments))


@pytest.mark.parametrize(("heads", "tokens", "depth"), [(2, 5, 16), (1, 70, 16)])
def test_attention(draw, dtype, heads, tokens, depth):
    q, k, v = (draw(2, tokens, 3, heads, depth) * 2).permute(2, 0, 3, 1, 4)
    got, expected = attention(q, k, v).double(), reference.attention(q, k, v).double()
    error = (got - expected).norm() / expected.norm()
    # fp16 rounds the weights before the second product.
    assert error < (2e-3 if dtype is torch.float16 else 2e-6)


def test_attention_of_large_scores_does_not_overflow(draw):
    q, v = draw(1, 1, 3, 16), draw(1, 1, 3, 16)
    q[:] = 60.0
    expected = v[0].mean(1, keepdim=True).expand(1, 3, 16)
    torch.testing.assert_close(attention(q, q, v), expected, atol=2e-3, rtol=0)


def test_attention_refuses_strides_that_differ(draw):
    q = draw(1, 2, 3, 16)
    with pytest.raises(ValueError, match="must be alike"):
        attention(q, q, q.transpose(1, 2).contiguous().transpose(1, 2))


@pytest.mark.parametrize(("size", "out"), [((2, 3), (6, 9)), ((3, 2), (5, 7))])
def test_enlarge(draw, size, out):
    x = draw(2 * size[0] * size[1], 16)
    assert_close(convolutions.enlarge(x, size, out), reference.enlarge(x, size, out))


def test_top_tokens_takes_the_first_of_equal_scores(draw):
    scores = (draw(2, 37) * 2).round() / 2  # many ties
    got = decoder.top_tokens(scores, 9)
    assert torch.equal(got, reference.top_tokens(scores, 9))
    scores[0, ::5] = torch.nan
    scores[1] = torch.nan
    assert torch.equal(decoder.top_tokens(scores, 33), reference.top_tokens(scores, 33))


def test_refine_boxes(draw):
    delta, anchors = draw(2, 5, 8), draw(2, 5, 4, kind=torch.float32)
    got = decoder.refine_boxes(delta, anchors)
    torch.testing.assert_close(got, reference.refine_boxes(delta, anchors), rtol=1e-5, atol=1e-5)


def test_anchor_boxes(draw, device, rng):
    delta, learned = draw(2, 5, 8), draw(5, 4, kind=torch.float32)
    proposals = torch.rand((7, 4), generator=rng, device=device)
    chosen = torch.randint(0, 7, (2, 5), generator=rng, device=device)
    boxes, waves = decoder.anchor_boxes(delta, proposals, chosen, learned, 16)
    expected = reference.anchor_boxes(delta, proposals, chosen, learned, 16)
    torch.testing.assert_close(boxes, expected[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(waves, expected[1], rtol=0, atol=2e-3)  # sines of large angles


@pytest.mark.parametrize(("heads", "points"), [(4, 2), (2, 4)])
def test_sample_values_inside_on_the_border_and_outside(draw, device, rng, heads, points):
    wide = draw(2, 12, 48)
    steering = draw(12, heads * points * 3 + 8)[:, 8:]
    boxes = torch.rand((2, 6, 4), generator=rng, device=device) * 1.6 - 0.3
    boxes[0, 0] = torch.tensor([1e9, -1e9, 1e9, 1.0])
    arguments = (wide[:, :, 8:40], steering, boxes, (3, 4))
    got = sampling.sample_values(*arguments, heads=heads, points=points)
    assert_close(got, reference.sample_values(*arguments, heads=heads, points=points))


def test_shapes_without_a_kernel_are_refused(draw, norm):
    with pytest.raises(ValueError, match="heads of 24 channels"):
        attention(*[draw(1, 2, 3, 24)] * 3)
    with pytest.raises(ValueError, match="must be alike"):
        attention(draw(1, 2, 3, 16), draw(1, 1, 3, 16), draw(1, 2, 3, 16))
    with pytest.raises(ValueError, match="9 of 8 tokens"):
        decoder.top_tokens(draw(1, 8), 9)
    with pytest.raises(ValueError, match="24 channels"):
        convolutions.enlarge(draw(4, 24), (2, 2), (4, 4))
    with pytest.raises(ValueError, match="48 to 16"):
        convolutions.conv_norm_silu(draw(4, 48), draw(9, 48, 16), norm(16), (2, 2), draw(4, 16))
    with pytest.raises(ValueError, match="do not fit"):
        products.query_pixels(draw(1, 2, 64), draw(1, 5, 64))
    with pytest.raises(ValueError, match="do not fit"):
        sampling.sample_values(draw(1, 4, 16), draw(2, 7), draw(1, 2, 4), (2, 2), heads=2, points=2)
