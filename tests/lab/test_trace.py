"""Traces: valid by the format's own rules, complete, and with the idle time that is plotted."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from rfviewer.engine.cuda.idle import BusyTime
from rfviewer.errors import SinkError
from rfviewer.gui.timeline_data import SpanStore
from rfviewer.lab.timeline import idle_share, idle_windows, timeline_of
from rfviewer.lab.trace import write_trace
from rfviewer.timing import Span, Stage
from tests.lab.trace_samples import MS, START_NS, run, sample, without_spans
from tests.lab.trace_schema import check

METADATA = {"software": "rfviewer 0", "command": "rfviewer trace 'a b.mp4' -o t.json"}


def trace_of(path: Path, samples, **options) -> dict:
    write_trace(path, samples, metadata=METADATA, **options)
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_trace_is_valid_and_leaves_nothing_out(tmp_path, depth):
    samples = run(30, depth=depth, step_ms=12 if depth == 1 else 10)
    queues = [(START_NS + n * 40 * MS, {"to engine": (n % 5, 4)}) for n in range(5)]
    trace = trace_of(tmp_path / "t.json", samples, queues=queues)
    phases = check(trace)
    assert len(phases["X"]) == sum(len(s.timings.spans) for s in samples)
    spent = Counter()
    for event in phases["X"]:
        spent[event["name"]] += event["dur"]
    assert spent["infer"] == pytest.approx(30 * 5000)
    assert spent["render"] == pytest.approx(29 * 3000)
    names = {e["args"]["name"] for e in phases["M"] if e["name"] == "thread_name"}
    slots = {f"slot {n}" for n in range(depth)}
    assert names == slots | {"host", "decode", "draw", "write"}
    assert trace["otherData"]["command"] == METADATA["command"]
    counters = {event["name"] for event in phases["C"]}
    assert counters == {"inferred", "device idle", "queue to engine"}
    rates = [e["args"]["frames/s"] for e in phases["C"] if e["name"] == "inferred"]
    assert rates == pytest.approx([1000 / (12 if depth == 1 else 10)] * len(rates), abs=0.001)


def test_every_event_names_its_frame_and_the_arrows_follow_it(tmp_path):
    phases = check(trace_of(tmp_path / "t.json", run(12)))
    for event in phases["X"]:
        assert 0 <= event["args"]["frame_index"] < 12
        assert event["args"]["detections"] == 3
        assert event["args"]["optimizations"] == "default"
    flows = {}
    for event in sorted([*phases["s"], *phases["t"], *phases["f"]], key=lambda e: e["ts"]):
        found = [
            x["args"]["frame_index"]
            for x in phases["X"]
            if x["tid"] == event["tid"] and x["ts"] == event["ts"]
        ]
        flows.setdefault(event["id"], []).append(found[0])
    assert len(flows) == 12
    for frames in flows.values():
        assert len(set(frames)) == 1
    # The last frame was not drawn yet; the others went decode, host, slot, draw, write.
    assert sorted(map(len, flows.values())) == [3] + [5] * 11


def test_frames_that_come_again_in_a_loop_keep_their_own_arrows(tmp_path):
    phases = check(trace_of(tmp_path / "t.json", run(20, loop=4)))
    assert len(phases["s"]) == 20


@pytest.mark.parametrize("samples", [[], [without_spans(sample(0))], [sample(0)]])
def test_little_or_nothing_is_a_valid_trace_too(tmp_path, samples):
    phases = check(trace_of(tmp_path / "t.json", samples))
    assert len(phases["X"]) == sum(len(s.timings.spans) for s in samples)


def test_gz_is_packed_and_nothing_is_replaced_unless_asked_for(tmp_path):
    samples = run(5)
    packed = trace_of(tmp_path / "t.json.gz", samples)
    plain = trace_of(tmp_path / "t.json", samples)
    assert packed == plain
    with pytest.raises(SinkError, match="exists"):
        write_trace(tmp_path / "t.json", samples, metadata={})
    assert json.loads((tmp_path / "t.json").read_text()) == plain
    write_trace(tmp_path / "t.json", samples, metadata={}, overwrite=True)
    with pytest.raises(SinkError, match="cannot be written"):
        write_trace(tmp_path / "no" / "t.json", samples, metadata={})
    assert {p.name for p in tmp_path.iterdir()} == {"t.json", "t.json.gz"}


def test_the_checker_finds_what_is_wrong(tmp_path):
    good = trace_of(tmp_path / "t.json", run(6))
    events = good["traceEvents"]

    def wrong(change):
        broken = json.loads(json.dumps(good))
        change(broken["traceEvents"])
        with pytest.raises(AssertionError):
            check(broken)

    slice_at = next(n for n, e in enumerate(events) if e["ph"] == "X")
    flow_at = next(n for n, e in enumerate(events) if e["ph"] == "f")
    wrong(lambda e: e[slice_at].pop("dur"))
    wrong(lambda e: e[slice_at].update(dur=-1))
    wrong(lambda e: e[slice_at].update(tid=99))
    wrong(lambda e: e[slice_at].update(dur=11_000))
    wrong(lambda e: e[slice_at].update(ts="0"))
    wrong(lambda e: e.pop(flow_at))
    wrong(lambda e: e.reverse())
    wrong(lambda e: e[0].update(ph="B"))
    wrong(lambda e: e.append(e[0]))


def traced_idle(phases) -> float:
    """Return the idle share as a reader of the file works it out: from the slices of the slots."""
    slots = {
        (e["pid"], e["tid"])
        for e in phases["M"]
        if e["name"] == "thread_name" and e["args"]["name"].startswith("slot")
    }
    work = sorted(
        (e["ts"], e["ts"] + e["dur"]) for e in phases["X"] if (e["pid"], e["tid"]) in slots
    )
    idle, reached = 0.0, work[0][0]
    for start, end in work:
        idle += max(0.0, start - reached)
        reached = max(reached, end)
    return idle / (reached - work[0][0])


@pytest.mark.parametrize(
    ("depth", "step_ms", "idle"), [(1, 16, 0.375), (2, 8, 0.0), (2, 12, 1 / 6)]
)
def test_idle_of_trace_plot_and_engine_agree(tmp_path, depth, step_ms, idle):
    samples = run(200, depth=depth, step_ms=step_ms)
    phases = check(trace_of(tmp_path / "t.json", samples))
    timeline = timeline_of(samples)
    store = SpanStore()  # what the window plots
    store.add(samples)
    plotted = store.idle_share(timeline.start_ns, timeline.end_ns)
    busy = BusyTime()  # what the engine tells
    spans = timeline.device_spans()
    for span in spans:
        busy.add(span.start_ns / 1e6, span.end_ns / 1e6)
    told = busy.idle_share(max(span.end_ns for span in spans) / 1e6)
    assert timeline.device_idle() == pytest.approx(idle, abs=0.01)
    assert traced_idle(phases) == pytest.approx(plotted, abs=0.01)
    assert traced_idle(phases) == pytest.approx(told, abs=0.01)
    windows = idle_windows(spans, 50 * MS)
    assert sum(share for _, share in windows) / len(windows) == pytest.approx(idle, abs=0.02)


def test_idle_counts_covered_time_once():
    spans = [Span("slot 0", Stage.INFER, 0, 40), Span("slot 1", Stage.INFER, 20, 60)]
    assert idle_share(spans, 0, 100) == pytest.approx(0.4)
    assert idle_share(spans, 10, 50) == 0.0
    assert idle_share(spans, 50, 50) is None
    assert [round(share, 3) for _, share in idle_windows(spans, 25)] == [0.0, 0.0, 0.0]
    gap = [Span("slot 0", Stage.INFER, 0, 10), Span("slot 0", Stage.INFER, 30, 40)]
    assert idle_windows(gap, 20) == [(0, 0.5), (20, 0.5)]
