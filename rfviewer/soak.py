"""The soak verb: plays a source for a long time as the window does, and judges what must not grow.

Two processes are watched together: this one, which takes the images as the window would, and the
engine process. What has to be flat is in `LIMITS`; the time before the warm-up ends does not count.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Literal

from rfviewer.config import Settings
from rfviewer.errors import EngineError, RfviewerError, SourceError
from rfviewer.exporting import check_source, stop_on_signals
from rfviewer.log import redact
from rfviewer.progress_lines import step_teller
from rfviewer.session.remote import RemoteSession
from rfviewer.snapshot import EnginePhase, PlayState, Snapshot
from rfviewer.soak_meter import Fifths, Meter, Usage, growth, slope

SESSION_MAKER = "rfviewer.compose:local_session"
POLL_S = 0.03
SAMPLE_S = 1.0
WARM_UP_S = 300.0
"""At most; a third of a shorter run."""
JUDGED_FROM_S = 300.0
"""Slopes over less time say nothing: the allocator alone moves megabytes."""
LOAD_S = 600.0
CYCLE_S = 30.0
SETTLE_S = 1.0

type Verdict = Literal["ok", "exceeded", "not judged", "not measured"]

LIMITS = {
    "rss_mb_per_10_min": (1.0, "MB/10 min"),
    "rss_mb_per_100_cycles": (2.0, "MB/100 cycles"),
    "open_files": (0.0, "more at the end"),
    "threads": (0.0, "more at the end"),
    "shared_memory_mb": (0.0, "MB more at the end"),
    "gpu_memory_mb": (0.0, "MB more at the end"),
    "latency_p99_ratio": (1.1, "last fifth / first fifth"),
}
"""What may grow by how much (docs/RELIABILITY.md)."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One judged number."""

    name: str
    value: float | None
    limit: float
    unit: str
    verdict: Verdict


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Play, print the figures, and return 1 when one is exceeded or it was stopped.

    Raises:
        RfviewerError: one sentence, when the source or the engine does not work at all.
    """
    check_source(options.source)
    tell = step_teller(quiet=options.quiet)
    settings = replace(settings, playback=replace(settings.playback, loop=True))
    session = RemoteSession(SESSION_MAKER, settings, log_folder=None)
    try:
        with stop_on_signals() as stop:
            soak = _Soak(session, settings, options.source, tell, stop.is_set)
            soak.load()
            report = (
                soak.cycle(options.cycles) if options.cycles else soak.play(options.minutes * 60)
            )
            stopped = stop.is_set()
    finally:
        session.close()
    figures = report.pop("figures")
    assert isinstance(figures, list)  # made below
    ok = not stopped and all(figure.verdict != "exceeded" for figure in figures)
    if stopped:
        sys.stderr.write("rfviewer: Stopped before the end; the figures are of what was played.\n")
    if options.json:
        listed = [asdict(figure) for figure in figures]
        _print(json.dumps({"ok": ok, "stopped": stopped, **report, "figures": listed}))
    else:
        _print(f"{report['source']}, {report['engine']}: {report['frames']} frames")
        for figure in figures:
            value = "-" if figure.value is None else f"{figure.value:.3f}"
            _print(
                f"{figure.verdict:<13} {figure.name:<22} {value:>9}"
                f"  (limit {figure.limit:g} {figure.unit})"
            )
    return 0 if ok else 1


class _Soak:
    """Drives one session."""

    def __init__(
        self,
        session: RemoteSession,
        settings: Settings,
        source: str,
        tell: Callable[[str], None],
        stopped: Callable[[], bool],
    ) -> None:
        self._session, self._settings, self._source = session, settings, source
        self._tell, self._stopped = tell, stopped
        self._meter = Meter()
        self._last: Snapshot | None = None
        self._frames = 0

    def load(self) -> None:
        """Wait until the engine is ready.

        Raises:
            EngineError: it failed.
        """
        deadline = time.monotonic() + LOAD_S
        while time.monotonic() < deadline and not self._stopped():
            snapshot = self._poll()
            if snapshot is not None and snapshot.engine.phase is EnginePhase.READY:
                return
        if self._stopped():
            raise EngineError("Stopped before the network was loaded; nothing was played.")
        raise EngineError("The engine was not ready in time; try another backend.")

    def play(self, seconds: float) -> dict[str, object]:
        """Play for that long and return the report.

        Raises:
            SourceError: no frame was shown, at the end or after `CYCLE_S`.
        """
        self._session.open(self._source, self._settings.playback)
        warm_up_s = min(WARM_UP_S, seconds / 3)
        started_s = time.monotonic()
        usages: list[tuple[float, Usage]] = []
        fifths = Fifths(warm_up_s, seconds)
        sampled_s = -SAMPLE_S
        while (now_s := time.monotonic() - started_s) < seconds and not self._stopped():
            snapshot = self._poll()
            if snapshot is not None:
                fifths.add(now_s, [sample.timings.latency_ms for sample in snapshot.samples])
            if now_s - sampled_s >= SAMPLE_S:
                sampled_s = now_s
                if now_s >= warm_up_s:
                    usages.append((now_s, self._usage()))
                self._tell(f"{now_s:6.0f} s  {self._frames} frames")
            if not self._frames and now_s > CYCLE_S:
                break
        if not self._frames and not self._stopped():
            raise self._nothing_shown(time.monotonic() - started_s)
        measured_s = usages[-1][0] - usages[0][0] if len(usages) > 1 else 0.0
        long_enough = measured_s >= JUDGED_FROM_S * 0.95
        rss = slope([(at_s, usage.rss_bytes) for at_s, usage in usages])
        figures = [
            _judge(
                "rss_mb_per_10_min",
                None if rss is None else rss * 600 / 1e6,
                judged=long_enough,
            ),
            *_growths([usage for _, usage in usages]),
            _judge("latency_p99_ratio", fifths.ratio(), judged=long_enough),
        ]
        return {
            **self._about(),
            "seconds": round(time.monotonic() - started_s, 1),
            "warm_up_s": round(warm_up_s, 1),
            "latency_p99_ms": fifths.p99(),
            "first": asdict(usages[0][1]) if usages else None,
            "last": asdict(usages[-1][1]) if usages else None,
            "figures": figures,
        }

    def cycle(self, count: int) -> dict[str, object]:
        """Open the source `count` times, each until it shows a frame, and return the report.

        Raises:
            SourceError: it did not show one in time.
        """
        usages: list[Usage] = []
        for number in range(count):
            if self._stopped():
                break
            self._last = None
            self._session.open(self._source, self._settings.playback)
            deadline = time.monotonic() + CYCLE_S
            while not self._shows_a_frame():
                if time.monotonic() > deadline:
                    raise self._nothing_shown(CYCLE_S)
                self._poll()
            if number >= count // 5:
                usages.append(self._settled(usages[0] if usages else None))
            self._tell(f"opened {number + 1} of {count}")
        rss = slope([(float(index), usage.rss_bytes) for index, usage in enumerate(usages)])
        per_100 = None if rss is None else rss * 100 / 1e6
        return {
            **self._about(),
            "cycles": count,
            "first": asdict(usages[0]) if usages else None,
            "last": asdict(usages[-1]) if usages else None,
            "figures": [
                _judge("rss_mb_per_100_cycles", per_100, judged=len(usages) >= 80),
                *_growths(usages),
            ],
        }

    def _about(self) -> dict[str, object]:
        info = None if self._last is None else self._last.engine.info
        source = None if self._last is None else self._last.source
        return {
            "source": redact(self._source) if source is None else source.uri,
            "engine": "none" if info is None else f"{info.model} on {info.backend} ({info.device})",
            "frames": self._frames,
        }

    def _nothing_shown(self, after_s: float) -> SourceError:
        name = redact(self._source)
        return SourceError(
            f"{name} showed nothing in {after_s:.0f} s; see whether the window plays it."
        )

    def _shows_a_frame(self) -> bool:
        last = self._last
        return last is not None and last.state is not PlayState.OPENING and bool(last.samples)

    def _usage(self) -> Usage:
        gpu = None if self._last is None else self._last.device.memory_used_bytes
        return self._meter.read(self._session.pid, gpu)

    def _settled(self, first: Usage | None) -> Usage:
        """Return the usage once what the last source had is gone; a leak never goes."""
        deadline = time.monotonic() + SETTLE_S
        while True:
            usage = self._usage()
            more = first is not None and (
                usage.open_files > first.open_files or usage.threads > first.threads
            )
            if not more or time.monotonic() > deadline:
                return usage
            self._poll()

    def _poll(self) -> Snapshot | None:
        """Take the news and the image, as the window does.

        Raises:
            RfviewerError: the source or the engine failed.
        """
        time.sleep(POLL_S)
        self._session.take_image()
        snapshot = self._session.poll()
        if snapshot is None:
            return None
        if snapshot.engine.phase is EnginePhase.FAILED:
            raise EngineError(snapshot.engine.step or "The engine failed; see the log.")
        if snapshot.state is PlayState.FAILED:
            raise RfviewerError(snapshot.error)
        self._last = snapshot
        self._frames += len(snapshot.samples)
        return snapshot


def _growths(usages: list[Usage]) -> list[Figure]:
    """Return what the end has more than the beginning."""
    return [
        _judge("open_files", growth([usage.open_files for usage in usages])),
        _judge("threads", growth([usage.threads for usage in usages])),
        _judge("shared_memory_mb", growth([usage.shared_bytes / 1e6 for usage in usages])),
        _judge(
            "gpu_memory_mb",
            growth([usage.gpu_bytes / 1e6 for usage in usages if usage.gpu_bytes is not None]),
        ),
    ]


def _judge(name: str, value: float | None, *, judged: bool = True) -> Figure:
    limit, unit = LIMITS[name]
    verdict: Verdict = "ok"
    if value is None:
        verdict = "not measured"
    elif not judged:
        verdict = "not judged"
    elif value > limit:
        verdict = "exceeded"
    return Figure(name, None if value is None else round(value, 4), limit, unit, verdict)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
