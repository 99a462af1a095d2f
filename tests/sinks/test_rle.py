import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as oracle

from rfviewer.detections import InstanceMasks
from rfviewer.sinks.rle import Rle, compress, decode, decompress, encode_masks
from tests.sinks.media import detections_of


def by_pycocotools(dense):
    found = oracle.encode(np.asfortranarray(dense.astype(np.uint8)))
    return {"size": list(found["size"]), "counts": found["counts"].decode("ascii")}


@st.composite
def masks(draw):
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    kind = draw(st.sampled_from(["any", "blocks", "empty", "full", "pixel", "stripes"]))
    mask = np.zeros((height, width), bool)
    if kind == "any":
        mask = draw(hnp.arrays(bool, (height, width)))
    elif kind == "full":
        mask[:] = True
    elif kind == "pixel":
        mask[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = True
    elif kind == "stripes":
        mask[:, :: draw(st.integers(1, 3))] = True
    elif kind == "blocks":
        for _ in range(draw(st.integers(1, 4))):
            y, x = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
            mask[y : y + draw(st.integers(1, height)), x : x + draw(st.integers(1, width))] = True
    return mask


@settings(max_examples=400)
@given(masks(), st.booleans(), st.integers(0, 3))
def test_equal_to_pycocotools_and_back(mask, packed, slack):
    """The region may be larger than the mask: `slack` pixels on every side."""
    tight = detections_of(mask[None], [1], packed=packed).masks
    height, width = mask.shape
    regions = tight.regions_xyxy + np.array([-slack, -slack, slack, slack], np.int32)
    regions = np.clip(regions, 0, [width, height, width, height]).astype(np.int32)
    loose = InstanceMasks(tight.data, regions, width, height, packed)
    (rle,) = encode_masks(loose)
    assert rle == by_pycocotools(mask)
    np.testing.assert_array_equal(decode(rle), mask)


@pytest.mark.parametrize("size", [(176, 312), (177, 313), (1080, 1920)])
def test_real_sizes_with_offsets(size):
    rng = np.random.default_rng(0)
    dense = np.zeros((6, *size), bool)
    dense[0, 10:100, 20:150] = rng.random((90, 130)) > 0.4
    dense[1, -1, -1] = True
    dense[2, 0, 0] = True
    dense[3] = True
    dense[4, :, 5:9] = True  # whole columns: runs that go on from one to the next
    for rle, mask in zip(encode_masks(detections_of(dense, [1] * 6).masks), dense, strict=True):
        assert rle == by_pycocotools(mask)
        np.testing.assert_array_equal(decode(rle), mask)


@given(st.lists(st.lists(st.integers(0, 2**31), min_size=1, max_size=30), max_size=4))
def test_any_run_lengths_survive_the_text_form(runs):
    texts = compress([np.array(counts, np.int64) for counts in runs])
    assert [decompress(text).tolist() for text in texts] == runs


def test_broken_text_is_refused():
    with pytest.raises(ValueError, match="end within"):
        decompress("a")
    with pytest.raises(ValueError, match="cannot stand"):
        decompress("1 2")
    with pytest.raises(ValueError, match="add up"):
        decode(Rle(size=[2, 2], counts=compress([np.array([5])])[0]))
