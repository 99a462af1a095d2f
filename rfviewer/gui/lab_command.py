"""The command line that repeats an experiment of the window without it. Knows no Qt."""

import shlex
from collections.abc import Callable
from dataclasses import replace

from rfviewer.config import Playback, Settings, View
from rfviewer.experiment import (
    AbRequest,
    CeilingsRequest,
    LabRequest,
    ParityRequest,
    WaterfallRequest,
)
from rfviewer.lab.describe import describe_set
from rfviewer.optimizations import Optimizations

type CommandFor = Callable[[LabRequest], str]
"""Returns the command line of an experiment on the open source."""


def lab_command(
    request: LabRequest,
    settings: Settings,
    source: str | None,
    command_for: Callable[[Settings, str | None], str],
) -> str:
    """Return the `rfviewer` line that runs `request` on `source` with the engine of `settings`."""
    # Frames are recorded before A/B and parity: only the ceilings measure a decoder.
    decodes = isinstance(request, CeilingsRequest)
    playback = Playback(decode=settings.playback.decode) if decodes else Playback()
    plain = replace(settings, optimizations=Optimizations(), view=View(), playback=playback)
    program, *rest = shlex.split(command_for(plain, source))
    verb, options = _verb(request)
    return shlex.join([program, verb, *rest, *options])


def _verb(request: LabRequest) -> tuple[str, list[str]]:
    if isinstance(request, AbRequest):
        return "ab", ["--a", describe_set(request.a), "--b", describe_set(request.b)]
    if isinstance(request, ParityRequest):
        reference, candidate = describe_set(request.reference), describe_set(request.candidate)
        return "parity", ["--reference", reference, "--candidate", candidate]
    if isinstance(request, WaterfallRequest):
        names = ["--toggle", ",".join(request.names)] if request.names else []
        return "ab", ["--waterfall", *names, "--b", describe_set(request.target)]
    assert isinstance(request, CeilingsRequest)
    changes = request.target.describe_changes()
    return "bench", ["--ceilings", *(["--set", *changes.split(",")] if changes else [])]
