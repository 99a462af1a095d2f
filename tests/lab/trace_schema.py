"""A strict reading of the trace event format, as far as our traces use it.

What it demands and where that comes from: "Trace Event Format" (Chromium) for the keys of each
phase; Perfetto's JSON importer for nesting: two complete events of one thread must not overlap
partly, or one is lost.
"""

import math

_COMMON = {"name", "ph", "ts", "pid", "tid"}
_KEYS = {
    "X": _COMMON | {"cat", "dur", "args"},
    "M": _COMMON | {"args"},
    "C": _COMMON | {"cat", "args"},
    "s": _COMMON | {"cat", "id"},
    "t": _COMMON | {"cat", "id"},
    "f": _COMMON | {"cat", "id", "bp"},
}
_META = {
    "process_name": ("name", str),
    "process_sort_index": ("sort_index", int),
    "thread_name": ("name", str),
    "thread_sort_index": ("sort_index", int),
}


def check(trace):
    """Fail with what is wrong; return the events by phase."""
    assert isinstance(trace, dict)
    assert set(trace) <= {"traceEvents", "displayTimeUnit", "otherData"}
    assert trace["displayTimeUnit"] in ("ms", "ns")
    for key, value in trace["otherData"].items():
        assert isinstance(key, str)
        assert isinstance(value, str), key
    phases = {phase: [] for phase in _KEYS}
    last_ts = 0.0
    for event in trace["traceEvents"]:
        _check_event(event)
        if event["ph"] != "M":
            assert event["ts"] >= last_ts, "time stamps fall"
            last_ts = event["ts"]
        phases[event["ph"]].append(event)
    _check_names(phases)
    _check_nesting(phases["X"])
    _check_flows(phases)
    return phases


def _check_event(event):
    assert isinstance(event, dict)
    phase = event.get("ph")
    assert phase in _KEYS, f"phase {phase!r}"
    assert set(event) == _KEYS[phase], f"keys of {event}"
    assert isinstance(event["name"], str)
    assert event["name"]
    for key in ("pid", "tid"):
        assert type(event[key]) is int, event
    _number(event["ts"])
    assert event["ts"] >= 0
    if phase == "X":
        _number(event["dur"])
        assert event["dur"] >= 0
        assert isinstance(event["args"], dict)
    if phase == "C":
        assert event["args"]
        for value in event["args"].values():
            _number(value)
    if phase == "M":
        key, kind = _META[event["name"]]
        assert set(event["args"]) == {key}
        assert type(event["args"][key]) is kind
    if phase in "stf":
        assert type(event["id"]) is int
    if phase == "f":
        assert event["bp"] == "e"


def _number(value):
    assert isinstance(value, (int, float)), value
    assert not isinstance(value, bool)
    assert math.isfinite(value)


def _check_names(phases):
    threads = {}
    processes = set()
    for event in phases["M"]:
        if event["name"] == "thread_name":
            key = (event["pid"], event["tid"])
            assert key not in threads, f"two names for {key}"
            threads[key] = event["args"]["name"]
        if event["name"] == "process_name":
            assert event["pid"] not in processes
            processes.add(event["pid"])
    assert len({tid for _, tid in threads}) == len(threads), "thread numbers repeat"
    assert len(set(threads.values())) == len(threads), "thread names repeat"
    for event in phases["X"]:
        assert (event["pid"], event["tid"]) in threads, f"no name for {event}"
        assert event["pid"] in processes


def _check_nesting(slices):
    open_ends = {}
    for event in sorted(slices, key=lambda e: (e["ts"], -e["dur"])):
        stack = open_ends.setdefault((event["pid"], event["tid"]), [])
        end = event["ts"] + event["dur"]
        while stack and stack[-1] <= event["ts"] + 1e-6:
            stack.pop()
        assert not stack or end <= stack[-1] + 1e-6, f"{event} overlaps another slice partly"
        stack.append(end)


def _check_flows(phases):
    flows = {}
    for phase in "stf":
        for event in phases[phase]:
            flows.setdefault(event["id"], []).append(event)
    for events in flows.values():
        steps = sorted(events, key=lambda e: (e["ts"], "stf".index(e["ph"])))
        order = "".join(event["ph"] for event in steps)
        assert order == "s" + "t" * (len(order) - 2) + "f", f"flow {events[0]['id']} is {order}"
        assert len({(e["name"], e["cat"]) for e in events}) == 1
        for event in events:
            inside = [
                x
                for x in phases["X"]
                if (x["pid"], x["tid"]) == (event["pid"], event["tid"])
                and x["ts"] <= event["ts"] <= x["ts"] + x["dur"]
            ]
            assert inside, f"{event} lies in no slice"
