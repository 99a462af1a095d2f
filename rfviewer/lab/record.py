"""What an A/B or a waterfall came to, with all that made it: the object of `rfviewer ab --json`."""

from collections.abc import Mapping
from dataclasses import asdict
from operator import itemgetter
from typing import Any

from rfviewer.errors import RfviewerError
from rfviewer.experiment import (
    AbRequest,
    AbResult,
    Effect,
    Interval,
    WaterfallRequest,
    WaterfallResult,
    WaterfallStep,
)
from rfviewer.optimizations import Optimizations, off_value, toggle_names
from rfviewer.result import EngineInfo

_SETTING = ("input", "model", "backend", "device", "precision")
"""What every record tells beside result and toggles, and whoever shows one needs."""


def outcome_record(
    request: AbRequest | WaterfallRequest,
    result: AbResult | WaterfallResult,
    info: EngineInfo,
    *,
    source: str,
    recorded_frames: int,
    hardware: Mapping[str, object],
    versions: Mapping[str, str],
    command: str,
) -> dict[str, object]:
    """Return plain data for JSON.

    Args:
        request: what was asked.
        result: the answer.
        info: the engine's, with the settings that it was left with.
        source: name, size and codec of what was measured on.
        recorded_frames: how many different frames of it.
        hardware: the machine.
        versions: of the programs.
        command: that repeats it, without secrets.
    """
    asked = {"target": asdict(request.target)} if isinstance(request, WaterfallRequest) else {}
    return {
        **asdict(result),
        **asked,
        "input": source,
        "recorded_frames": recorded_frames,
        "model": info.model,
        "backend": info.backend,
        "device": info.device,
        "precision": info.precision,
        "toggles": {state.name: state.effective for state in info.toggles},
        "hardware": dict(hardware),
        "versions": dict(versions),
        "command": command,
    }


def read_outcome(
    record: Mapping[str, Any],
) -> tuple[AbRequest, AbResult] | tuple[WaterfallRequest, WaterfallResult]:
    """Return what was asked and what came out, of an object that `outcome_record` made.

    Rounds and frames of the request are not kept; the result tells them.

    Raises:
        RfviewerError: it is something else, or from a version with other optimizations.
    """
    try:
        sides = ("target",) if "steps" in record else ("a", "b")
        record = {
            **record,
            **{field: _settings(field, record[field]) for field in (*sides, "toggles")},
        }
        itemgetter(*_SETTING)(record)  # a KeyError where one is not there
        if "steps" in record:
            target = Optimizations(**record["target"])
            names = tuple(step["name"] for step in record["steps"])
            return WaterfallRequest(target=target, names=names), _waterfall(record)
        a, b = (Optimizations(**record[side]) for side in ("a", "b"))
        return AbRequest(a=a, b=b), _ab(record, a, b)
    except (KeyError, TypeError, ValueError) as error:
        raise RfviewerError(
            f"This is no outcome of `rfviewer ab --json` of this version ({error}); measure again."
        ) from error


def _settings(field: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the optimizations that a record tells; those of later versions were off then.

    Raises:
        RfviewerError: `values`, the `field` of a record, has some that there are no more.
        TypeError: it is no object at all.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"{field!r} is no object")
    gone = sorted(set(values) - set(toggle_names()))
    if gone:
        raise RfviewerError(
            "This outcome of `rfviewer ab --json` is from a version with other optimizations "
            f"({field!r} has {', '.join(gone)}); measure again."
        )
    return {name: values.get(name, off_value(name)) for name in toggle_names()}


def _ab(record: Mapping[str, Any], a: Optimizations, b: Optimizations) -> AbResult:
    return AbResult(
        a=a,
        b=b,
        stages=tuple(map(_effect, record["stages"])),
        throughput=_effect(record["throughput"]),
        verdict=record["verdict"],
        effect=record["effect"],
        blocks=record["blocks"],
        frames=record["frames"],
        excluded=record["excluded"],
        notes=tuple(record["notes"]),
    )


def _waterfall(record: Mapping[str, Any]) -> WaterfallResult:
    return WaterfallResult(
        whole=_effect(record["whole"]),
        steps=tuple(
            WaterfallStep(
                step["name"],
                _effect(step["alone"]),
                _effect(step["removed"]),
                _effect(step["cumulative"]),
            )
            for step in record["steps"]
        ),
        interaction=record["interaction"],
        interaction_interval=Interval(**record["interaction_interval"]),
        verdict=record["verdict"],
        notes=tuple(record["notes"]),
    )


def _effect(values: Mapping[str, Any]) -> Effect:
    return Effect(**{**values, "interval": Interval(**values["interval"])})
