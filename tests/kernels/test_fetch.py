"""The fetch kernel: a frame from an address that is known at launch only."""

import numpy as np
import pytest
import torch

from rfviewer_kernels.fetch import ALIGNMENT, ORDER_WORDS, fetch


def place(device, count):
    return torch.empty(count, dtype=torch.uint8, pin_memory=device.type == "cuda")


def source_of(device, data):
    held = place(device, len(data) + 2 * ALIGNMENT)
    offset = -held.data_ptr() % ALIGNMENT
    held[offset : offset + len(data)] = torch.from_numpy(data)
    return held, held.data_ptr() + offset


def order_of(device, address, threshold):
    order = torch.zeros(ORDER_WORDS, dtype=torch.int64, pin_memory=device.type == "cuda")
    order[0] = address
    order[1:].view(torch.float32)[0] = threshold
    return order


@pytest.mark.parametrize("words", [4, 1000, 10_304])
def test_bytes_and_threshold_arrive(device, words):
    data = np.random.default_rng(words).integers(0, 256, words * 4, np.uint8)
    held, address = source_of(device, data)
    out = torch.full((words + 4,), -7, dtype=torch.int32, device=device)
    threshold = torch.zeros(1, device=device)
    fetch(order_of(device, address, 0.375), out[:words], threshold, programs=3, block=512)
    assert out[:words].cpu().numpy().view(np.uint8).tolist() == data.tolist()
    assert out[words:].tolist() == [-7] * 4
    assert threshold.item() == 0.375
    assert held.numel() > 0


def test_the_next_launch_follows_the_order(device):
    order = order_of(device, 0, 0.5)
    out = torch.zeros(8, dtype=torch.int32, device=device)
    threshold = torch.zeros(1, device=device)
    for value in (1, 200):
        held, address = source_of(device, np.full(32, value, np.uint8))
        order[0] = address
        order[1:].view(torch.float32)[0] = value / 1000
        fetch(order, out, threshold)
        assert out.cpu().numpy().view(np.uint8).tolist() == [value] * 32
        assert threshold.item() == pytest.approx(value / 1000)
        assert held.numel() == 32 + 2 * ALIGNMENT


def test_wrong_tensors_are_refused(device):
    order = order_of(device, 0, 0.5)
    out, threshold = torch.zeros(8, dtype=torch.int32, device=device), torch.zeros(1, device=device)
    with pytest.raises(ValueError, match="order"):
        fetch(order[:1], out, threshold)
    with pytest.raises(ValueError, match="frame"):
        fetch(order, out.view(2, 4), threshold)
