"""What `rfviewer ab --json` prints can be read again."""

import json
from dataclasses import replace

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


MEASURES = pytest.mark.parametrize(
    ("measure", "request_"), [(measure_ab, AB), (measure_waterfall, WATERFALL)]
)


def record_of(stand, result, request_) -> dict:
    """What `rfviewer ab --json` would print and another program read."""
    record = outcome_record(
        request_, result, stand.engine.info, source="sim", recorded_frames=8, hardware={},
        versions={}, command="rfviewer ab sim",
    )  # fmt: skip
    return json.loads(json.dumps(record))


@MEASURES
def test_an_outcome_comes_back_from_its_json(stand_of, measure, request_):
    stand = stand_of(0, {"roi_masks": {Stage.POSTPROCESS: 2.0}}, **QUIET)
    result = measure(stand, request_, lambda *_: None)
    record = record_of(stand, result, request_)
    asked, found = read_outcome(record)
    assert found == result
    for name in ("a", "b", "target"):
        assert getattr(asked, name, None) == getattr(request_, name, None)
    if measure is measure_waterfall:
        assert asked.names == ("limit_masks", "roi_masks")  # in display order
    for name in ("verdict", "device"):
        lacking = {field: value for field, value in record.items() if field != name}
        with pytest.raises(RfviewerError, match=f"no outcome .*'{name}'"):
            read_outcome(lacking)


@MEASURES
def test_an_outcome_of_a_version_with_other_optimizations_is_refused(stand_of, measure, request_):
    stand = stand_of(**QUIET)
    record = record_of(stand, measure(stand, request_, lambda *_: None), request_)
    fields = [name for name in ("a", "b", "target", "toggles") if name in record]
    assert len(fields) >= 2
    for field in fields:
        with pytest.raises(
            RfviewerError, match=rf"'{field}' has compiled_network\); measure again"
        ):
            read_outcome({**record, field: {**record[field], "compiled_network": True}})


@MEASURES
def test_an_optimization_that_came_later_was_off(stand_of, measure, request_):
    stand = stand_of(**QUIET)
    record = record_of(stand, measure(stand, request_, lambda *_: None), request_)
    fields = [name for name in ("a", "b", "target") if name in record]
    older = {
        field: {name: on for name, on in record[field].items() if name != "early_relaunch"}
        for field in fields
    }
    asked, _ = read_outcome({**record, **older})
    for name in fields:
        wanted = getattr(request_, name)
        assert wanted.early_relaunch or name == "a"
        assert getattr(asked, name) == replace(wanted, early_relaunch=False)


@pytest.mark.parametrize("record", [{}, {"steps": []}, {"a": {"speed": True}, "b": {}}, {"a": 3}])
def test_other_objects_are_refused_in_one_sentence(record):
    with pytest.raises(RfviewerError, match="measure again"):
        read_outcome(record)
