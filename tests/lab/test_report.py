"""The report: complete, stand-alone, and harmless whatever names it holds."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rfviewer.errors import SinkError
from rfviewer.experiment import (
    AbResult,
    Ceiling,
    CeilingsResult,
    Effect,
    Interval,
    ParityResult,
    WaterfallResult,
    WaterfallStep,
)
from rfviewer.lab.markup import number, significant
from rfviewer.lab.report import ReportData, latencies_ms, report_html, write_report
from rfviewer.lab.report_plots import nice_step
from rfviewer.optimizations import Optimizations
from rfviewer.result import DeviceUsage, ToggleState
from rfviewer.timing import FRAME_STAGES
from tests.lab.trace_samples import run, sample, without_spans

HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> & \u202egpj.exe\x00\x1b[31m.mp4"
)
VOID = {"meta", "img", "br", "hr", "link", "input"}
SVG_LEAVES = {"rect", "line", "polyline"}


def effect(difference: float, *, unit: str = "ms", quantity: str = "frame time") -> Effect:
    interval = Interval(difference - 0.1, difference + 0.1)
    return Effect(quantity, unit, 12.0, 12.0 + difference, 13.0, 13.0, difference, interval, True)


AB = AbResult(
    a=Optimizations.baseline(),
    b=Optimizations(),
    stages=(effect(-0.41, quantity="preprocess"),),
    throughput=effect(9.6, unit="fps", quantity="throughput"),
    verdict="saves 0.41 ms of preprocess",
    effect=True,
    blocks=12,
    frames=40,
    notes=("one block was throttled",),
)
WATERFALL = WaterfallResult(
    whole=effect(-3.0),
    steps=(
        WaterfallStep("roi_masks", effect(-2.0), effect(2.0), effect(-2.0)),
        WaterfallStep("depth", effect(-1.0), effect(1.0), effect(-1.0)),
    ),
    interaction=0.02,
    interaction_interval=Interval(-0.1, 0.1),
    verdict="all on saves 3.0 ms",
)
CEILINGS = CeilingsResult(
    ceilings=(Ceiling("bare network", 120.0), Ceiling("camera", None, "no camera")),
    running_fps=99.0,
    bound="network-bound",
    verdict="network-bound: 99 of 120 frames/s",
)
PARITY = ParityResult(
    passed=False,
    gate="G1/E3",
    frames=60,
    pairs=2000,
    flips=1,
    missing=0,
    extra=0,
    soft=2,
    box_max_px=6.1,
    box_p99_px=0.2,
    box_mean_px=0.01,
    score_max=0.01,
    iou_min=None,
    iou_mean=None,
    worst_frame=31,
    failures=("frame 31: car became truck",),
    verdict="fails: 1 class change in 60 frames",
)


def data(**changes) -> ReportData:
    full = ReportData(
        title="traffic.mp4",
        made_with={"software": "rfviewer 9.9", "command": "rfviewer trace traffic.mp4 -o t.json"},
        samples=run(60, step_ms=12),
        hardware={"cpu": "Example 3000", "cores": 2},
        versions={"numpy": "2.0"},
        toggles=(ToggleState("cuda_graph", True, False, "needs an NVIDIA GPU", False),),
        results=(AB, WATERFALL, CEILINGS, PARITY),
        device=DeviceUsage(None, "not measured: no GPU"),
        source_fps=25.0,
    )
    return replace(full, **changes)


class Page(HTMLParser):
    """Reads a page strictly: every tag closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), f"{tag} has an attribute twice"
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in SVG_LEAVES
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def test_everything_is_told() -> None:
    page = Page(report_html(data()))
    for words in (
        "rfviewer 9.9",
        "rfviewer trace traffic.mp4 -o t.json",
        "Example 3000",
        "saves 0.41 ms of preprocess",
        "all on saves 3.0 ms",
        "network-bound: 99 of 120 frames/s",
        "fails: 1 class change in 60 frames",
        "frame 31: car became truck",
        "one block was throttled",
        "needs an NVIDIA GPU",
        "not measured: no GPU",
        "no camera",
        "roi masks",
        "83.3",  # frames a second
    ):
        assert words in page.text, words
    names = [attributes.get("id") for tag, attributes in page.tags if tag == "section"]
    assert {"stages", "timeline", "latency", "rate", "settings", "machine"} <= set(names)
    assert sum(tag == "svg" for tag, _ in page.tags) == 5
    assert "prefers-color-scheme: dark" in page.text


def test_nothing_comes_from_outside() -> None:
    html = report_html(data())
    page = Page(html)
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    for tag, attributes in page.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "image", "use")
        assert not {"src", "href", "xlink:href", "srcset", "action"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    for outside in ("http://", "https://", "//cdn", "@import", "url(", "fetch(", "innerHTML"):
        assert outside not in html


def test_hostile_names_stay_text() -> None:
    made = {"software": HOSTILE, "command": HOSTILE, "model": HOSTILE, HOSTILE: HOSTILE}
    hostile = data(
        title=HOSTILE,
        made_with=made,
        hardware={HOSTILE: HOSTILE},
        versions={HOSTILE: HOSTILE},
        toggles=(ToggleState(HOSTILE, True, False, HOSTILE),),
        results=(
            replace(AB, verdict=HOSTILE, notes=(HOSTILE,)),
            replace(CEILINGS, ceilings=(Ceiling(HOSTILE, None, HOSTILE),)),
            replace(
                WATERFALL,
                steps=(WaterfallStep(HOSTILE, effect(-1.0), effect(1.0), effect(-1.0)),),
            ),
            replace(PARITY, failures=(HOSTILE,), gate=HOSTILE),
        ),
    )
    html = report_html(hostile)
    page = Page(html)
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not any(tag == "img" for tag, _ in page.tags)
    assert "alert(1)" in page.text
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    for character in "\u202e\x00\x1b":
        assert character not in html


@pytest.mark.parametrize("samples", [[], [sample(0)], run(3), [without_spans(sample(0))]])
def test_little_is_a_report_too(samples) -> None:
    Page(report_html(data(samples=samples, results=(), toggles=(), device=None)))


def test_latency_is_split_into_waiting_and_work() -> None:
    found = latencies_ms(run(5))
    assert found["waiting"] == [2.0] * 5
    assert found["in the engine"] == [11.0] * 5
    assert found["capture to result"] == [13.0] * 5
    unknown = [replace(one, capture_time_ns=0) for one in run(2)]
    assert set(latencies_ms(unknown)) == {"in the engine"}


def test_every_stage_has_a_colour() -> None:
    html = report_html(data())
    for stage in FRAME_STAGES:
        assert f".st.{stage} {{" in html


def test_figures_for_people() -> None:
    assert significant(12.3456) == "12.3"
    assert significant(0.04567) == "0.046"
    assert significant(1234.5) == "1,234" or significant(1234.5) == "1,235"
    assert significant(None) == number(float("nan"))
    assert [nice_step(span, 4) for span in (1.0, 7.0, 0.03, 0.0)] == [0.5, 2.0, 0.01, 1.0]


def test_nothing_is_replaced_unless_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    write_report(path, data())
    with pytest.raises(SinkError, match="exists"):
        write_report(path, data(title="other"))
    assert "traffic.mp4" in path.read_text(encoding="utf-8")
    write_report(path, data(title="other"), overwrite=True)
    assert "other - rfviewer report" in path.read_text(encoding="utf-8")
