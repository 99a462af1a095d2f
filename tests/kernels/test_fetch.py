"""The fetch kernel: a frame from an address that is known at launch only."""

import numpy as np
import pytest
import torch

from rfviewer_kernels.fetch import ALIGNMENT, ORDER_WORDS, PIECE_WORDS, fetch, needed_pieces
from rfviewer_kernels.normalize import affine
from rfviewer_kernels.pixels import Layout
from rfviewer_kernels.preprocess_a import preprocess_a
from rfviewer_kernels.tables import linear_table


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


@pytest.mark.parametrize("layout", [Layout.BGR, Layout.NV12])
@pytest.mark.parametrize("wh", [(64, 400), (150, 98), (1042, 34)])
def test_the_needed_pieces_are_all_that_mode_a_reads(device, layout, wh):
    """The rest of the frame holds other bytes, and what mode A makes of both is the same."""
    (width, height), out_hw = wh, (8, 16)
    shape = (height * 3 // 2, width) if layout is Layout.NV12 else (height, width, 3)
    data = np.random.default_rng(width).integers(0, 256, shape, np.uint8)
    held, address = source_of(device, data.reshape(-1))
    words = -(-data.size // ALIGNMENT) * ALIGNMENT // 4
    rows, columns = linear_table(height, out_hw[0]), linear_table(width, out_hw[1])
    pieces = needed_pieces(rows, width, layout)
    assert pieces is not None
    assert len(pieces) * PIECE_WORDS < 0.9 * words
    frame = torch.full((words + PIECE_WORDS,), -1, dtype=torch.int32, device=device)
    fetch(
        order_of(device, address, 0.5),
        frame[:words],
        torch.zeros(1, device=device),
        pieces.to(device),
        programs=3,
        block=4 * PIECE_WORDS,
    )
    got = frame.cpu()
    wanted = torch.full_like(got, -1)
    filled = torch.from_numpy(np.pad(data.reshape(-1), (0, words * 4 - data.size)).view(np.int32))
    for piece in pieces.tolist():
        part = slice(piece * PIECE_WORDS, min((piece + 1) * PIECE_WORDS, words))
        wanted[part] = filled[part]
    # What lies behind the frame's last byte is read too, and is nobody's.
    whole = data.size // 4
    assert torch.equal(got[:whole], wanted[:whole])
    assert torch.equal(got[words:], wanted[words:])

    outs = [torch.zeros(1, 3, *out_hw, device=device) for _ in range(2)]
    parts = frame[:words].view(torch.uint8)[: data.size].view(shape)
    for image, out in zip((torch.from_numpy(data).to(device), parts), outs, strict=True):
        tables = rows.to(device), columns.to(device)
        preprocess_a(image, out, *tables, affine(), layout=layout)
    assert torch.equal(*outs)
    assert held.numel() > 0


def test_a_frame_of_which_every_row_is_read_has_no_pieces_to_choose():
    assert needed_pieces(linear_table(176, 312), 312, Layout.BGR) is None
    assert needed_pieces(linear_table(176, 312), 312, Layout.NV12) is None
    # 624 of 1080 rows: docs/OPTIMIZATION_LOG.md, K11.
    large = needed_pieces(linear_table(1080, 312), 1920, Layout.BGR)
    assert len(large) * PIECE_WORDS * 4 / (1080 * 1920 * 3) == pytest.approx(624 / 1080, rel=0.06)


def test_wrong_tensors_are_refused(device):
    order = order_of(device, 0, 0.5)
    out, threshold = torch.zeros(8, dtype=torch.int32, device=device), torch.zeros(1, device=device)
    with pytest.raises(ValueError, match="order"):
        fetch(order[:1], out, threshold)
    with pytest.raises(ValueError, match="frame"):
        fetch(order, out.view(2, 4), threshold)
    with pytest.raises(ValueError, match="multiple of 16 bytes"):
        fetch(order, out[:6], threshold)
    with pytest.raises(ValueError, match="pieces"):
        fetch(order, out, threshold, torch.zeros(1, dtype=torch.int64, device=device))
