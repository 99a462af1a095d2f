"""What `rfviewer ab --json` prints can be read again."""

import json

import pytest

from rfviewer.errors import RfviewerError
from rfviewer.experiment import AbRequest, WaterfallRequest
from rfviewer.lab.ab import measure_ab
from rfviewer.lab.record import outcome_record, read_outcome
from rfviewer.lab.waterfall import measure_waterfall
from rfviewer.optimizations import Optimizations
from rfviewer.timing import Stage

QUIET = {"noise": 0.01, "burst_every_s": 0.0, "two_speeds": 1.0}
A = Optimizations(depth=1)
AB = AbRequest(a=A, b=A.set("roi_masks", "off"), rounds=2)
WATERFALL = WaterfallRequest(target=A, names=("roi_masks", "limit_masks"), rounds=2)


@pytest.mark.parametrize(
    ("measure", "request_"), [(measure_ab, AB), (measure_waterfall, WATERFALL)]
)
def test_an_outcome_comes_back_from_its_json(stand_of, measure, request_):
    stand = stand_of(0, {"roi_masks": {Stage.POSTPROCESS: 2.0}}, **QUIET)
    result = measure(stand, request_, lambda *_: None)
    record = outcome_record(
        request_, result, stand.engine.info, source="sim", recorded_frames=8, hardware={},
        versions={}, command="rfviewer ab sim",
    )  # fmt: skip
    asked, found = read_outcome(json.loads(json.dumps(record)))
    assert found == result
    for name in ("a", "b", "target"):
        assert getattr(asked, name, None) == getattr(request_, name, None)
    if measure is measure_waterfall:
        assert asked.names == ("limit_masks", "roi_masks")  # in display order
    del record["verdict"]
    with pytest.raises(RfviewerError, match=r"no outcome .*'verdict'"):
        read_outcome(record)


@pytest.mark.parametrize("record", [{}, {"steps": []}, {"a": {"speed": True}, "b": {}}])
def test_other_objects_are_refused_in_one_sentence(record):
    with pytest.raises(RfviewerError, match="measure again"):
        read_outcome(record)
