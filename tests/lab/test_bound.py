"""What binds, named from ceilings and from live load: one case for each of the seven causes."""

from dataclasses import replace

import pytest

from rfviewer.experiment import Ceiling
from rfviewer.lab.bound import (
    Alone,
    Bound,
    Load,
    Pace,
    bound_of_ceilings,
    bound_of_load,
    contradicts,
)

OTHERS = {"decode": Bound.DECODE, "drawing": Bound.DISPLAY, "encode": Bound.ENCODE}
NAMES = Alone(network="bare network", slots="4 slots", others=OTHERS)
QUICK = {"bare network": 100.0, "4 slots": 95.0, "decode": 900.0, "drawing": 400.0, "encode": 300.0}
FILE_25, CAMERA_30 = Pace(fps=25.0, live=False), Pace(fps=30.0, live=True)


@pytest.mark.parametrize(
    ("change", "pace", "running_fps", "bound", "words"),
    [
        ({}, None, 94.0, "network-bound", "reach 95% of the bare network's 100.0"),
        ({"4 slots": 60.0}, None, 59.0, "host-bound", "network could do 100.0"),
        ({"decode": 40.0}, None, 39.0, "decode-bound", "decode does 40.0"),
        ({"drawing": 30.0}, None, 29.0, "display-bound", "drawing does 30.0"),
        ({"encode": 20.0, "drawing": 30.0}, None, 19.0, "encode-bound", "encode does 20.0"),
        ({}, CAMERA_30, 29.8, "camera-limited", "hands out 30.0 frames/s, and the engine could"),
        ({}, FILE_25, 25.0, "playback-limited", "hands out 25.0"),
        ({"4 slots": 19.0, "bare network": 20.0}, CAMERA_30, 18.0, "network-bound", "95%"),
        (
            {"4 slots": 20.0, "bare network": 20.0, "decode": 10.0},
            CAMERA_30,
            9.0,
            "decode-bound",
            "",
        ),
    ],
)
def test_ceilings_name_what_binds(change, pace, running_fps, bound, words):
    ceilings = [Ceiling(name, fps) for name, fps in (QUICK | change).items()]
    found = bound_of_ceilings(ceilings, NAMES, pace, running_fps)
    assert found.bound == bound
    assert words in found.why
    assert found.sentence.startswith(f"{bound}: ")


def test_a_whole_that_beats_its_ceiling_is_told_to_be_disturbed():
    ceilings = [Ceiling(name, fps) for name, fps in (QUICK | {"4 slots": 158.0}).items()]
    assert "measure again" in bound_of_ceilings(ceilings, NAMES, None, 100.0).why


def test_without_a_network_the_rest_is_the_host():
    ceilings = [Ceiling("bare network", None, "the model has no network"), Ceiling("4 slots", 50.0)]
    assert bound_of_ceilings(ceilings, NAMES, None, 50.0).bound is Bound.HOST


FREE = Load(pace=None, inferred_fps=50.0, shown_fps=50.0, screen_hz=60.0, network=0.4, decode=0.1)


@pytest.mark.parametrize(
    ("change", "bound", "words"),
    [
        ({"network": 0.97}, "network-bound", "the network is at work 97%"),
        ({"decode": 0.9}, "decode-bound", "decoding is at work 90%"),
        ({"encode": 0.95, "recording": True}, "encode-bound", "encoding is at work 95%"),
        ({"draw": 0.92, "recording": True}, "display-bound", "drawing is at work 92%"),
        ({"shown_fps": 20.0, "draw": 0.3}, "display-bound", "20.0 of 50.0 results a second"),
        (
            {"pace": FILE_25, "inferred_fps": 25.0, "shown_fps": 15.0},
            "display-bound",
            "15.0 of 25.0",
        ),
        ({"pace": CAMERA_30, "inferred_fps": 29.5, "shown_fps": 29.5}, "camera-limited", "40%"),
        ({"pace": FILE_25, "inferred_fps": 25.0, "shown_fps": 25.0}, "playback-limited", "40%"),
        ({}, "host-bound", "the busiest other part, the network, works 40% of the time"),
        ({"encode": 0.95}, "host-bound", ""),  # nothing is written: it holds nobody back
    ],
)
def test_a_live_load_names_what_binds(change, bound, words):
    found = bound_of_load(replace(FREE, **change))
    assert found.bound == bound
    assert words in found.why


def test_a_screen_at_its_refresh_rate_is_no_bound():
    fast = replace(FREE, inferred_fps=480.0, shown_fps=59.7, network=0.95)
    assert bound_of_load(fast).bound is Bound.NETWORK
    idle = replace(fast, network=0.7)
    assert bound_of_load(replace(idle, shown_fps=59.7)).bound is Bound.HOST
    assert bound_of_load(replace(idle, shown_fps=31.0)).bound is Bound.DISPLAY


@pytest.mark.parametrize(
    ("change", "bound"),
    [
        ({"network": 0.94}, Bound.NETWORK),
        ({"decode": 0.9}, Bound.DECODE),
        ({"network": 0.94, "pace": FILE_25, "inferred_fps": 24.0}, Bound.NETWORK),
    ],
)
def test_the_display_is_not_named_while_another_part_works_all_the_time(change, bound):
    """Seen with a network that took 94 % of the time, when a single image came late."""
    found = bound_of_load(replace(FREE, shown_fps=12.0, **change))
    assert found.bound is bound
    assert "at work 9" in found.why
    assert "results a second reach the screen" in found.why


def test_one_image_more_or_less_is_no_loss():
    slow = replace(FREE, inferred_fps=4.0, network=0.8)
    assert bound_of_load(replace(slow, shown_fps=3.0)).bound is Bound.HOST
    assert bound_of_load(replace(slow, shown_fps=2.0)).bound is Bound.DISPLAY


@pytest.mark.parametrize(
    ("bound", "fits", "against"),
    [
        (Bound.NETWORK, {"network": 0.7}, {"network": 0.5}),
        (Bound.DECODE, {"decode": 0.7}, {"decode": 0.5}),
        (Bound.ENCODE, {"encode": 0.7, "recording": True}, {"encode": 0.7, "recording": False}),
        (Bound.DISPLAY, {"draw": 0.7, "recording": True}, {"draw": 0.5, "recording": True}),
        (Bound.DISPLAY, {"network": 0.8}, {"network": 0.94}),
        (Bound.HOST, {"network": 0.9}, {"network": 0.96}),
        (Bound.CAMERA, {"pace": CAMERA_30, "inferred_fps": 20.0}, {"pace": None}),
        (Bound.PLAYBACK, {"pace": FILE_25, "inferred_fps": 20.0},
         {"pace": FILE_25, "inferred_fps": 10.0}),
    ],
)  # fmt: skip
def test_what_is_measured_may_contradict_a_name(bound, fits, against):
    assert not contradicts(replace(FREE, **fits), bound)
    assert contradicts(replace(FREE, **against), bound)
    named = bound_of_load(replace(FREE, **fits))
    assert not contradicts(replace(FREE, **fits), named.bound)  # nobody contradicts himself


def test_older_masks_on_newer_frames_are_wanted_in_keep_pace():
    pace = replace(FREE, pace=FILE_25, inferred_fps=2.0, shown_fps=25.0, every_frame=False)
    assert bound_of_load(replace(pace, network=0.98)).bound is Bound.NETWORK
