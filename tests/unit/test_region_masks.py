"""Masks whose places are found out later: the same masks, whoever looks first."""

import pickle
import threading

import numpy as np
import pytest

from rfviewer.detections import Detections, RegionMasks
from rfviewer.pipeline.threads import start_thread

REGIONS = np.array([[0, 0, 8, 2], [3, 1, 21, 4], [0, 0, 0, 0]], np.int32)
STARTS = np.array([0, 2, 11], np.int64)
STREAM = np.arange(1, 12, dtype=np.uint8)


class Places:
    """Says where the masks lie, and how often it was asked."""

    def __init__(self):
        self.asked = 0

    def __call__(self):
        self.asked += 1
        return STARTS, REGIONS


def late(places):
    return RegionMasks.placed_later(STREAM, places, 3, 24, 4)


def given():
    return RegionMasks(STREAM, STARTS, REGIONS, 24, 4)


def test_nobody_asks_before_somebody_looks():
    places = Places()
    masks = late(places)
    columns = np.zeros((3, 4), np.float32), np.ones(3, np.float32), np.ones(3, np.int32)
    kept = Detections(*columns, masks)
    assert (len(masks), masks.nbytes, repr(masks)) == (3, 11, "InstanceMasks(3 of 24x4, packed)")
    assert masks.compact() is masks
    assert kept.visible(0.5, ()) is kept
    assert places.asked == 0
    assert masks.regions_xyxy is REGIONS
    masks.dense()
    assert places.asked == 1


@pytest.mark.parametrize(
    "look",
    [
        lambda masks: masks.regions_xyxy,
        lambda masks: masks.data,
        lambda masks: masks.dense(),
        lambda masks: masks.areas(),
        lambda masks: masks.crop(1)[0],
        lambda masks: masks.packed_rows(1),
        lambda masks: masks.select(np.array([2, 1])).dense(),
        lambda masks: pickle.loads(pickle.dumps(masks)).dense(),
    ],
)
def test_every_look_is_as_if_the_places_had_been_given(look):
    np.testing.assert_array_equal(look(late(Places())), look(given()))


def test_two_threads_may_look_first_at_once():
    both, seen = threading.Barrier(2), []

    def places():
        both.wait(60)  # neither has stored what it found
        return STARTS, REGIONS

    masks = late(places)
    threads = [start_thread(f"look-{n}", lambda: seen.append(masks.dense())) for n in range(2)]
    for thread in threads:
        thread.join(60)
    assert len(seen) == 2
    for dense in seen:
        np.testing.assert_array_equal(dense, given().dense())


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="3 regions, but 2 starts"):
        RegionMasks(STREAM, STARTS[:2], REGIONS, 24, 4)
    two = (np.zeros((2, 4), np.float32), np.ones(2, np.float32), np.ones(2, np.int32))
    with pytest.raises(ValueError, match=r"2 scores, but \(boxes, classes\) \(2, 2\) and masks 3"):
        Detections(*two, given())
    with pytest.raises(ValueError, match=r"2 scores, but .* \(2, 1\) and masks none"):
        Detections(two[0], two[1], two[2][:1])
