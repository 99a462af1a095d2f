"""What an A/B or a waterfall came to, with all that made it: the object of `rfviewer ab --json`."""

from collections.abc import Mapping
from dataclasses import asdict

from rfviewer.experiment import AbRequest, AbResult, WaterfallRequest, WaterfallResult
from rfviewer.result import EngineInfo


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
