"""The fused network against rfdetr's own module, on any device: torch and rfdetr are enough.

Without a GPU its kernels are replaced by their torch twins, which tests/kernels compares them with.
"""

import warnings

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton")
pytest.importorskip("rfdetr.detr")  # lets fp32 products round to tf32 when it is imported

from rfviewer.engine.backends.fused import (  # noqa: E402
    backbone,
    mask_head,
    products,
    transformer,
)
from rfviewer.engine.backends.fused.network import Beside, FusedNetwork  # noqa: E402
from rfviewer.engine.backends.fused.support import Unsupported  # noqa: E402
from rfviewer.engine.backends.torch_module import build_module  # noqa: E402
from rfviewer.models.demo import demo_spec  # noqa: E402
from rfviewer_kernels.network import reference  # noqa: E402

pytestmark = pytest.mark.needs_torch
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SEED = 1
"""Of weights and inputs: with this one no near tie is left among the chosen tokens."""


@pytest.fixture(autouse=True)
def _twins(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    # As the networks do it: torch refuses to read what was set in another way as well. By hand,
    # since an attribute that is computed cannot be deleted, which is how pytest would undo it.
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    if DEVICE.type == "cpu":
        for room in (backbone, mask_head, products, transformer):
            for name in vars(reference).keys() & vars(room).keys() - {"torch", "functional"}:
                if callable(getattr(reference, name)) and name != "Tensor":
                    monkeypatch.setattr(room, name, getattr(reference, name))
    yield
    torch.backends.cuda.matmul.allow_tf32 = before


@pytest.fixture(scope="module")
def demo():
    return build_module(demo_spec()).to(DEVICE)


def untrained(name):
    """Return an official architecture with random weights, in export form, and its size."""
    import rfdetr

    torch.manual_seed(SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = getattr(rfdetr, name)(pretrain_weights=None, device="cpu")
        module = made.model.model
        module.eval()
        module.export()
    numbers = torch.Generator().manual_seed(SEED)
    for parameter in module.parameters():  # as initialised, all tokens would tie
        noise = torch.randn(parameter.shape, generator=numbers)
        parameter.data += 0.02 * noise.to(parameter.dtype)
    size = made.model.resolution
    return module.requires_grad_(requires_grad=False).to(DEVICE), (size, size)


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(SEED)).to(DEVICE)


def both(module, network_input, monkeypatch):
    """Return the outputs of `module` and of its fused form, in the slots with the same token.

    With random weights some of hundreds of scores are nearer to each other than rounding, and two
    tokens then change places; what else is in their slots is another query's.
    """
    scores, chosen = [], []
    head = module.transformer.enc_out_class_embed[0]
    hook = head.register_forward_hook(lambda _, __, found: scores.append(found.amax(-1)))
    rank = transformer.top_tokens

    def note(*arguments):
        chosen.append(rank(*arguments))
        return chosen[-1]

    monkeypatch.setattr(transformer, "top_tokens", note)
    with torch.no_grad():
        expected = module(network_input)
        got = FusedNetwork(module, tuple(network_input.shape[2:]))(network_input)
    hook.remove()
    ranked = scores[0].topk(module.num_queries, dim=1).indices  # as rfdetr does, ties included
    same = chosen[0] == ranked
    assert same.float().mean() >= 0.95
    assert len(got) == len(expected)
    return [(found[same], wanted[same]) for found, wanted in zip(got, expected, strict=True)]


def assert_equal_outputs(pairs):
    for (found, wanted), tolerance in zip(pairs, (1e-5, 1e-4, 1e-3), strict=False):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=tolerance)


@pytest.mark.slow
def test_equals_the_module_that_it_replaces(demo, monkeypatch):
    assert_equal_outputs(both(demo, noise(1, 3, 312, 312), monkeypatch))


@pytest.mark.slow
def test_images_of_a_batch_do_not_meet(demo):
    network_input = noise(2, 3, 312, 312)
    network = FusedNetwork(demo, (312, 312))
    with torch.no_grad():
        together = network(network_input)
        apart = [network(image[None]) for image in network_input]
    for found, *single in zip(together, *apart, strict=True):
        torch.testing.assert_close(found, torch.cat(single), rtol=1e-4, atol=1e-3)


@pytest.mark.slow
def test_the_last_decoder_layer_is_told_once_before_it_runs(demo):
    order = []

    class Told:
        def __init__(self, layer, number):
            self._layer, self._number, self.shift_width = layer, number, layer.shift_width

        def __call__(self, *arguments):
            order.append(self._number)
            return self._layer(*arguments)

    network = FusedNetwork(demo, (312, 312))
    layers = network._transformer._layers
    network._transformer._layers = [Told(layer, index) for index, layer in enumerate(layers)]
    network_input = noise(1, 3, 312, 312)
    with torch.no_grad():
        features = network._backbone(network_input)
        network._transformer(features, lambda: order.append("told"))
    assert order == [*range(len(layers) - 1), "told", len(layers) - 1]


@pytest.mark.needs_cuda
def test_nearly_done_is_before_done_and_changes_nothing(demo):
    network, network_input = FusedNetwork(demo, (312, 312)), noise(1, 3, 312, 312)
    begun, nearly, done = (torch.cuda.Event(enable_timing=True, external=True) for _ in range(3))
    beside = Beside(torch.cuda.Stream(), nearly)
    with torch.no_grad():
        alone = network(network_input)
        for _ in range(2):
            begun.record()
            found = network(network_input, beside)
            done.record()
    done.synchronize()
    assert 0 < begun.elapsed_time(nearly) < begun.elapsed_time(done)
    for a, b in zip(found, alone, strict=True):
        assert torch.equal(a, b)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["RFDETRSegSmall", "RFDETRNano"])
def test_other_architectures_windows_and_no_masks(name, monkeypatch):
    module, (height, width) = untrained(name)
    # Two images: windows and images share the first dimension of the backbone.
    assert_equal_outputs(both(module, noise(2, 3, height, width), monkeypatch))


@pytest.mark.slow
def test_a_pass_leaves_the_module_as_it_is(demo):
    """Some weights are the module's own memory, and some products are written in place."""
    before = {name: value.clone() for name, value in demo.state_dict().items()}
    with torch.no_grad():
        FusedNetwork(demo, (312, 312))(noise(1, 3, 312, 312))
    assert all(torch.equal(value, before[name]) for name, value in demo.state_dict().items())


@pytest.mark.parametrize(
    ("part", "name", "value", "message"),
    [
        ("transformer.decoder", "lite_refpoint_refine", False, "boxes refined layer by layer"),
        ("", "num_queries", 677, "677 queries for 676 patches"),
        ("transformer", "d_model", 384, "features of 384 channels"),
        ("transformer.decoder.layers.0.self_attn", "num_heads", 32, "decoder heads of 8 channels"),
        ("backbone.0.projector", "force_drop_last_n_features", 1, "dropped features"),
        ("backbone.0.projector.stages.0.0", "c", 192, "projector halves of 192 channels"),
    ],
)
def test_what_it_was_not_written_for_is_refused(demo, monkeypatch, part, name, value, message):
    monkeypatch.setattr(demo.get_submodule(part), name, value)
    with pytest.raises(Unsupported, match=message):
        FusedNetwork(demo, (312, 312))


def test_another_kind_of_module_is_refused():
    with pytest.raises(Unsupported, match="a Linear"):
        FusedNetwork(torch.nn.Linear(1, 1), (312, 312))
