"""Settings as the command line that reproduces them: "Copy as command" and the files' metadata."""

import shlex

from rfviewer.config import EngineConfig, Settings, View
from rfviewer.decode import Decode
from rfviewer.log import redact


def command_for(settings: Settings, source: str | None) -> str:
    """Return the `rfviewer` command that shows `source` with `settings`; passwords are removed."""
    words = ["rfviewer"]
    if source is not None:
        words.append(redact(source))
    default_engine, default_view, playback = EngineConfig(), View(), settings.playback
    for option, value, default in (
        ("--model", settings.engine.model, default_engine.model),
        ("--backend", settings.engine.backend, default_engine.backend),
        ("--precision", settings.engine.precision, default_engine.precision),
        ("--resize", str(settings.engine.resize), str(default_engine.resize)),
        ("--threads", str(settings.engine.threads), str(default_engine.threads)),
        ("--decode", str(playback.decode), str(Decode.AUTO)),
        ("--policy", str(playback.policy), str(None)),
        ("--start", f"{playback.start_s:g}", "0"),
        ("--threshold", f"{settings.view.threshold:g}", f"{default_view.threshold:g}"),
    ):
        if value != default:
            words += [option, value]
    if playback.loop:
        words.append("--loop")
    if settings.engine.nvtx:
        words.append("--nvtx")
    changes = settings.optimizations.describe_changes()
    if changes:
        words += ["--set", *changes.split(",")]
    return shlex.join(words)
