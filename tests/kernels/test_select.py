"""Select and decode against a full stable sort, ties and overflow included."""

import pytest

torch = pytest.importorskip("torch")

from rfviewer_kernels import reference  # noqa: E402
from rfviewer_kernels.records import INVALID_LOGITS, Results, decode  # noqa: E402
from rfviewer_kernels.select import select  # noqa: E402
from rfviewer_kernels.select_workspace import SelectWorkspace  # noqa: E402

cuda = pytest.mark.needs_cuda
SIZES = [  # queries, classes, K
    (1, 1, 1),
    (7, 5, 4),
    (20, 11, 16),
    pytest.param(100, 91, 100, marks=cuda),
    pytest.param(300, 91, 300, marks=cuda),
]


def _run(logits, boxes, threshold, max_records, frame_wh, workspace=None):
    device = logits.device
    results = Results.allocate(max_records, device)
    results.flat.fill_(-77)
    results.counts.zero_()
    workspace = workspace or SelectWorkspace.allocate(*logits.shape[1:], max_records, device)
    tau = torch.tensor([threshold], dtype=torch.float32, device=device)
    select(logits, boxes, tau, results, workspace, frame_wh=frame_wh)
    return results, workspace


def _inputs(queries, classes, dtype, device, rng):
    logits = torch.randn(1, queries, classes, device=device, generator=rng) * 2 - 2
    boxes = torch.rand(1, queries, 4, device=device, generator=rng) * 1.4 - 0.2
    return logits.to(dtype), boxes.to(dtype)


def _same(results, workspace, expected):
    got = decode(results)
    count = len(expected.scores)
    assert int(results.counts[0]) == count
    assert torch.equal(got.class_ids, expected.class_ids)
    assert torch.equal(got.queries, expected.queries)
    assert torch.equal(got.planes, expected.planes)
    # The interpreter's exp is numpy's, within an ulp or two of torch's; on CUDA they are equal.
    tolerance = 0 if got.scores.is_cuda else 2e-7
    torch.testing.assert_close(got.scores, expected.scores, rtol=tolerance, atol=tolerance)
    assert torch.equal(got.boxes_xyxy, expected.boxes_xyxy)
    assert int(results.counts[2]) == int(expected.planes.max()) + 1 if count else True
    assert not results.records[count:].any()
    assert torch.equal(workspace.plane_queries[got.planes.long()], got.queries)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("threshold", [-1.0, 0.0, 0.3, 0.9])
@pytest.mark.parametrize(("queries", "classes", "max_records"), SIZES)
def test_equals_the_full_sort(queries, classes, max_records, threshold, dtype, device, rng):
    logits, boxes = _inputs(queries, classes, dtype, device, rng)
    results, workspace = _run(logits, boxes, threshold, max_records, (312, 176))
    expected = reference.select(logits, boxes, threshold, max_records, (312, 176))
    _same(results, workspace, expected)
    passing = int((logits.float().sigmoid() > threshold).sum())
    assert int(results.counts[1]) == passing


@pytest.mark.filterwarnings("ignore:overflow encountered in exp")  # as it must for a score of 0
@pytest.mark.parametrize("threshold", [-1.0, 0.4])
@pytest.mark.parametrize(
    ("queries", "classes", "max_records"),
    [
        (9, 7, 10),
        (16, 4, 16),
        (60, 40, 50),  # more candidates than the bisection takes at a time
        pytest.param(100, 91, 100, marks=cuda),
        pytest.param(300, 91, 300, marks=cuda),
    ],
)
def test_ties_at_the_cut_fall_by_flat_index(queries, classes, max_records, threshold, device, rng):
    levels = torch.tensor([-200.0, 0.5, 0.5, 2.0], device=device).half()  # the score of -200 is 0
    picks = torch.randint(0, 4, (1, queries, classes), device=device, generator=rng)
    _, boxes = _inputs(queries, classes, torch.float32, device, rng)
    late = levels[picks.clamp(max=2)]
    late[0, -1, -2:] = 2.0  # the best stand last in flat order, the cut falls among those below
    for logits in (levels[picks], late, levels[picks.clamp(max=0)]):
        results, workspace = _run(logits, boxes, threshold, max_records, (64, 48))
        expected = reference.select(logits, boxes, threshold, max_records, (64, 48))
        passed = int((logits.float().sigmoid() > threshold).sum())
        assert int(results.counts[1]) == passed
        assert passed > max_records or passed == 0
        _same(results, workspace, expected)


def _frames(queries, classes, dtype, device, rng):
    """Name and logits of frames with few, too many, no and invalid pairs, and their boxes."""
    logits, boxes = _inputs(queries, classes, dtype, device, rng)
    few = logits.clamp(max=-1)
    few[0, 3, :2] = 2.0
    invalid = few.clone()
    invalid[0, 2, 3], invalid[0, 4, 0] = torch.nan, torch.inf
    frames = {"few": few, "many": logits + 4, "none": logits - 50, "invalid": invalid}
    return frames, boxes


@pytest.mark.parametrize(
    ("queries", "classes", "max_records"),
    [(12, 6, 8), pytest.param(100, 91, 100, marks=cuda)],
)
def test_a_workspace_carries_nothing_over(queries, classes, max_records, device, rng):
    frames, boxes = _frames(queries, classes, torch.float16, device, rng)
    fresh = {
        name: _run(logits, boxes, 0.5, max_records, (312, 176)) for name, logits in frames.items()
    }
    assert int(fresh["many"][0].counts[1]) > max_records
    assert int(fresh["invalid"][0].counts[3]) == INVALID_LOGITS
    workspace = SelectWorkspace.allocate(queries, classes, max_records, device)
    for name in ("few", "few", "many", "few", "invalid", "few", "none", "many", "many", "invalid"):
        results, _ = _run(frames[name], boxes, 0.5, max_records, (312, 176), workspace)
        wanted, own = fresh[name]
        assert torch.equal(results.counts, wanted.counts)
        assert torch.equal(results.records, wanted.records)
        planes = int(wanted.counts[2])
        assert torch.equal(workspace.plane_queries[:planes], own.plane_queries[:planes])
        assert not workspace.tallies.any()


@cuda
def test_a_captured_graph_follows_its_inputs(device, rng):
    frames, boxes = _frames(100, 91, torch.float16, device, rng)
    logits, threshold = frames["few"].clone(), torch.tensor([0.5], device=device)
    results, workspace = _run(logits, boxes, 0.5, 100, (312, 176))  # compiles before the capture
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        select(logits, boxes, threshold, results, workspace, frame_wh=(312, 176))
    for name in ("many", "few", "invalid", "none", "few"):
        logits.copy_(frames[name])
        graph.replay()
        wanted, _ = _run(frames[name], boxes, 0.5, 100, (312, 176))
        assert torch.equal(results.counts, wanted.counts)
        assert torch.equal(results.records, wanted.records)


def test_a_score_equal_to_the_threshold_is_dropped(device):
    logits = torch.zeros(1, 2, 3, device=device)
    logits[0, 1, 2] = 1.0
    boxes = torch.full((1, 2, 4), 0.5, device=device)
    results, _ = _run(logits, boxes, 0.5, 4, (10, 10))
    assert results.counts.tolist() == [1, 1, 1, 0]


def test_classes_of_one_query_share_a_plane(device):
    logits = torch.full((1, 3, 4), -9.0, device=device)
    logits[0, 2, 1], logits[0, 2, 3], logits[0, 0, 0] = 3.0, 1.0, 2.0
    boxes = torch.full((1, 3, 4), 0.5, device=device)
    results, workspace = _run(logits, boxes, 0.5, 5, (10, 10))
    assert decode(results).planes.tolist() == [0, 1, 0]
    assert results.counts.tolist() == [3, 3, 2, 0]
    assert workspace.plane_queries[:2].tolist() == [2, 0]


def test_nothing_passes(device, rng):
    logits, boxes = _inputs(5, 3, torch.float32, device, rng)
    results, _ = _run(logits - 50, boxes, 0.5, 6, (10, 10))
    assert results.counts.tolist() == [0, 0, 0, 0]
    assert not results.records.any()


def test_nan_logits_are_dropped(device):
    logits = torch.full((1, 2, 2), torch.nan, device=device)
    logits[0, 1, 1] = 2.0
    boxes = torch.full((1, 2, 4), 0.5, device=device)
    results, _ = _run(logits, boxes, 0.5, 3, (10, 10))
    assert decode(results).queries.tolist() == [1]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(("where", "flag"), [("none", 0), ("logits", 1), ("boxes", 2)])
def test_invalid_outputs_are_flagged(where, flag, value, device, rng):
    logits, boxes = _inputs(7, 5, torch.float16, device, rng)
    {"none": torch.zeros(1, 7, 5), "logits": logits, "boxes": boxes}[where][0, 6, 3] = value
    results, _ = _run(logits, boxes, 0.5, 4, (40, 30))
    assert int(results.counts[3]) == flag


def test_rows_may_lie_apart_but_not_the_columns(device, rng):
    logits, boxes = _inputs(6, 5, torch.float32, device, rng)
    wide = torch.cat((logits, boxes, logits), dim=2)
    results, workspace = _run(wide[..., :5], wide[..., 5:9], 0.2, 8, (30, 20))
    _same(results, workspace, reference.select(logits, boxes, 0.2, 8, (30, 20)))
    with pytest.raises(ValueError, match="side by side"):
        _run(wide[..., ::2], boxes, 0.2, 8, (30, 20))
