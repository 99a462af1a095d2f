"""The report: figures, verdicts and plots of a run as one HTML file that needs no network."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rfviewer.experiment import (
    AbResult,
    CeilingsResult,
    Effect,
    LabResult,
    ParityResult,
    WaterfallResult,
)
from rfviewer.lab import report_plots as plots
from rfviewer.lab.describe import describe_set
from rfviewer.lab.markup import (
    UNKNOWN,
    number,
    pairs,
    paragraph,
    section,
    significant,
    table,
    text,
)
from rfviewer.lab.output_file import write_whole
from rfviewer.lab.report_ribbon import ribbon
from rfviewer.lab.report_style import SCRIPT, style_sheet
from rfviewer.lab.timeline import Timeline, stage_durations_ms, timeline_of
from rfviewer.result import DeviceUsage, ToggleState
from rfviewer.snapshot import FrameSample
from rfviewer.timing import percentile

_SHARES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""Nothing is fetched, whatever a name in the file holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """What a report tells."""

    title: str
    """E.g. the name of the source."""
    made_with: Mapping[str, str]
    """Version, command line, source, model, engine and settings."""
    samples: Sequence[FrameSample]
    hardware: Mapping[str, object]
    versions: Mapping[str, str]
    toggles: Sequence[ToggleState] = ()
    """Every optimization: requested, effective, reason."""
    results: Sequence[LabResult] = ()
    """A/B, waterfall, ceilings and parity, as far as they were run."""
    device: DeviceUsage | None = None
    source_fps: float | None = None
    """Measured rate of the source."""


def write_report(path: Path, data: ReportData, *, overwrite: bool = False) -> None:
    """Write the report. Call it on a thread that may wait.

    Raises:
        SinkError: one sentence; no file is left half written.
    """
    write_whole(path, report_html(data).encode(), overwrite=overwrite)


def report_html(data: ReportData) -> str:
    """Return the whole page."""
    timeline = timeline_of(data.samples)
    command = data.made_with.get("command", "")
    head = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="generator" content="{text(data.made_with.get("software", "rfviewer"))}">'
        f"<title>{text(data.title)} - rfviewer report</title>"
        f"<style>{style_sheet()}</style></head><body><main>"
    )
    body = [
        f"<h1>{text(data.title)}</h1>",
        paragraph(_subtitle(data), "sub"),
        f"<p><code>{text(command)}</code></p>" if command else "",
        _cards(data, timeline),
        section("Verdicts", *(paragraph(r.verdict, "verdict") for r in data.results)),
        section("Stages", _stages(data.samples), name="stages"),
        section("Timeline", ribbon(timeline), name="timeline"),
        section("Latency", _latency(data.samples), name="latency"),
        section("Rate", plots.rate_over_time(timeline.samples), name="rate"),
        *(_result(result) for result in data.results),
        section("Settings", _settings(data), name="settings"),
        section("Machine", _machine(data), name="machine"),
    ]
    return f"{head}{''.join(body)}</main><script>{SCRIPT}</script></body></html>\n"


def latencies_ms(samples: Iterable[FrameSample]) -> dict[str, list[float]]:
    """Return where the time from capture to result went, frame by frame."""
    found: dict[str, list[float]] = {"capture to result": [], "waiting": [], "in the engine": []}
    for sample in samples:
        timings = sample.timings
        found["in the engine"].append(timings.latency_ms)
        if sample.capture_time_ns:
            waited_ms = (timings.submit_time_ns - sample.capture_time_ns) / 1e6
            found["waiting"].append(waited_ms)
            found["capture to result"].append(waited_ms + timings.latency_ms)
    return {name: values for name, values in found.items() if values}


def _subtitle(data: ReportData) -> str:
    made = data.made_with
    software = made.get("software") or f"rfviewer {made.get('rfviewer', '')}".strip()
    engine = made.get("engine") or f"{made.get('backend', '')} {made.get('device', '')}".strip()
    known = [software, made.get("model", ""), engine, made.get("saved", "")]
    return " · ".join(item for item in known if item)


def _cards(data: ReportData, timeline: Timeline) -> str:
    samples = timeline.samples
    elapsed_ns = samples[-1].done_time_ns - samples[0].done_time_ns if samples else 0
    rate = (len(samples) - 1) * 1e9 / elapsed_ns if elapsed_ns > 0 else None
    latency = latencies_ms(samples).get("capture to result", [])
    idle = timeline.device_idle()
    cards = [
        (f"{significant(rate)}", "frames/s inferred"),
        (f"{significant(percentile(latency, 0.5))} ms", "capture to result, p50"),
        (UNKNOWN if idle is None else f"{100 * idle:.1f} %", "slots idle"),
        (f"{len(samples):,}", "frames"),
    ]
    if data.source_fps is not None:
        cards.insert(0, (significant(data.source_fps), "frames/s of the source"))
    inside = [
        f'<div class="card"><b>{text(value)}</b><span>{text(name)}</span></div>'
        for value, name in cards
    ]
    return f'<div class="cards">{"".join(inside)}</div>'


def _quantiles(values: list[float]) -> list[str]:
    return [significant(percentile(values, share)) for _, share in _SHARES]


def _stages(samples: Sequence[FrameSample]) -> str:
    durations = stage_durations_ms(samples)
    rows = [[stage, *_quantiles(values), len(values)] for stage, values in durations.items()]
    heads = ["stage", *(f"{name} ms" for name, _ in _SHARES), "frames"]
    return table(heads, rows) if rows else ""


def _latency(samples: Sequence[FrameSample]) -> str:
    found = latencies_ms(samples)
    rows = [[name, *_quantiles(values)] for name, values in found.items()]
    heads = ["", *(f"{name} ms" for name, _ in _SHARES)]
    histogram = plots.latency_histogram(found.get("in the engine", []))
    return (table(heads, rows) if rows else "") + histogram


def _result(result: LabResult) -> str:
    match result:
        case AbResult():
            effects = [*result.stages, result.throughput]
            names = describe_set(result.a), describe_set(result.b)
            return section(
                f"A/B: {names[0]} against {names[1]}",
                _effects(effects, ("A", "B")),
                _notes(result.notes, result.blocks, result.excluded),
            )
        case WaterfallResult():
            rows = [
                [step.name, *map(_short, (step.alone, step.removed, step.cumulative))]
                for step in result.steps
            ]
            low, high = result.interaction_interval.low, result.interaction_interval.high
            rest = (
                f"Interaction, the whole less its parts: {significant(result.interaction)} ms "
                f"({significant(low)} to {significant(high)})."
            )
            return section(
                "Waterfall",
                plots.waterfall(result),
                table(["switch, ms", "alone", "removed from all", "in order"], rows),
                paragraph(rest, "sub"),
                *(paragraph(note, "sub") for note in result.notes),
            )
        case CeilingsResult():
            return section("Ceilings", plots.ceilings(result), paragraph(result.bound, "sub"))
        case ParityResult():
            return section("Parity", _parity(result))


def _effects(effects: Sequence[Effect], sides: tuple[str, str]) -> str:
    rows = [
        [
            effect.quantity,
            f"{significant(effect.a)} {effect.unit}",
            f"{significant(effect.b)} {effect.unit}",
            _difference(effect),
            "yes" if effect.significant else "no",
        ]
        for effect in effects
    ]
    heads = ["quantity", *(f"{side}, median" for side in sides), "difference", "beyond noise"]
    return table(heads, rows)


def _difference(effect: Effect) -> str:
    low, high = significant(effect.interval.low), significant(effect.interval.high)
    return f"{significant(effect.difference)} {effect.unit} ({low} to {high})"


def _short(effect: Effect) -> str:
    half = (effect.interval.high - effect.interval.low) / 2
    return f"{significant(effect.difference)} ± {significant(half)}"


def _notes(notes: Sequence[str], blocks: int, excluded: int) -> str:
    told = [f"{blocks} blocks a side, {excluded} left out; intervals: 95 %, over blocks.", *notes]
    return "".join(paragraph(note, "sub") for note in told)


def _parity(result: ParityResult) -> str:
    items: list[tuple[str, object]] = [
        ("gate", f"{result.gate}: {'passed' if result.passed else 'failed'}"),
        ("frames, pairs", f"{result.frames:,}, {result.pairs:,}"),
        ("class changes", result.flips),
        ("missing, extra, at the threshold", f"{result.missing}, {result.extra}, {result.soft}"),
        (
            "boxes, px: max, p99, mean",
            ", ".join(
                significant(v) for v in (result.box_max_px, result.box_p99_px, result.box_mean_px)
            ),
        ),
        ("score, max", significant(result.score_max)),
        ("mask IoU: min, mean", f"{number(result.iou_min, 4)}, {number(result.iou_mean, 4)}"),
    ]
    failures = [paragraph(failure, "bad") for failure in result.failures]
    return pairs(items) + "".join(failures)


def _settings(data: ReportData) -> str:
    rows = [
        [state.name, _word(state.requested), _word(state.effective), state.reason]
        for state in data.toggles
    ]
    switches = table(["switch", "requested", "runs", "why not"], rows, words=4) if rows else ""
    return pairs(data.made_with.items()) + switches


def _machine(data: ReportData) -> str:
    items: list[tuple[str, object]] = [*data.hardware.items(), *data.versions.items()]
    device = data.device
    if device is not None:
        idle = device.reason if device.gpu_idle is None else f"{100 * device.gpu_idle:.1f} %"
        items.append(("GPU idle, last reading", idle))
        items += [
            (name, value)
            for name, value in (
                ("GPU clock, MHz", device.clock_mhz),
                ("GPU power, W", device.power_w),
                ("GPU throttled", device.throttle),
            )
            if value
        ]
    return pairs(items)


def _word(value: bool | int) -> str:  # noqa: FBT001 - the value itself
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
