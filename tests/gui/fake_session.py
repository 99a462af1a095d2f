"""A session without engine or source: scripted snapshots and a moving picture, driven by time."""

import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from rfviewer.config import EngineConfig, Playback, Policy, ResizeMode, Settings, View
from rfviewer.experiment import ParityReading
from rfviewer.frame import SourceInfo, SourceKind
from rfviewer.optimizations import Optimizations, toggle_names
from rfviewer.result import DeviceUsage, EngineInfo, ToggleState
from rfviewer.snapshot import (
    Counters,
    EnginePhase,
    EngineStatus,
    FrameSample,
    PlayState,
    PresentedFrame,
    RecordingStatus,
    Snapshot,
)
from tests.gui.fake_lab import FakeLab
from tests.gui.fake_picture import HEIGHT, WIDTH, synthetic
from tests.gui.fake_timings import frame_rate, sample

FPS, DURATION_S = 30.0, 20.0
WORK_ON_CPU = {
    "table_cache", "fused_select", "limit_masks", "roi_masks", "packed_masks", "roi_render",
}  # fmt: skip
NAMES = (None, "person", None, "car", "motorcycle", None, "bus", None, "truck")
STEPS = ("Reading the model", "Loading the network", "Warming up", "Measuring")


class FakeSession:
    """Plays by the clock. `calls` lists what the window asked for."""

    def __init__(self, *, gpu: bool = False, load_s: float = 0.0, open_: bool = True) -> None:
        self.calls: list[tuple] = []
        self.gpu = gpu
        self.settings = Settings()
        self.closed = False
        self.failure = ""
        self.engine_failure = ""
        self.policy = Policy.EVERY_FRAME if gpu else Policy.KEEP_PACE
        self.source_name = "street.mp4"
        self._born = time.monotonic()
        self._load_s = load_s
        self._state = PlayState.PLAYING if open_ else PlayState.IDLE
        self._pts = 0.0
        self._clock = time.monotonic()
        self._taken = -1
        self._sequence = 0
        self._sampled = 0
        self._epoch = 0
        self._recording: RecordingStatus | None = None
        self._notices: list[tuple[str, str]] = []
        self._picture = lru_cache(60)(synthetic)
        self.lab = FakeLab(gpu=gpu)
        self.with_spans = True
        self.usage: DeviceUsage | None = None

    def open(self, source: str, playback: Playback, *, recording=None) -> None:
        self.calls.append(("open", source, playback))
        if recording is not None:
            self.start_recording(recording)
        self.settings = replace(self.settings, playback=playback)
        self.failure = ""
        self.source_name = Path(source).name
        self._state = PlayState.PAUSED if playback.paused else PlayState.PLAYING
        self._epoch += 1
        self._pts, self._taken = 0.0, -1

    def set_engine(self, config: EngineConfig) -> None:
        self.calls.append(("set_engine", config))
        self.settings = replace(self.settings, engine=config)

    def set_optimizations(self, optimizations: Optimizations) -> None:
        self.calls.append(("set_optimizations", optimizations))
        self.settings = replace(self.settings, optimizations=optimizations)

    def set_view(self, view: View) -> None:
        self.calls.append(("set_view", view))
        self.settings = replace(self.settings, view=view)
        self._taken = -1

    def set_playback(self, playback: Playback) -> None:
        self.calls.append(("set_playback", playback))
        self.settings = replace(self.settings, playback=playback)
        self.policy = playback.policy or self.policy

    def play(self) -> None:
        self.calls.append(("play",))
        if self._state is PlayState.ENDED:
            self._pts = 0.0
        self._state = PlayState.PLAYING
        self._clock = time.monotonic()

    def pause(self) -> None:
        self.calls.append(("pause",))
        self._state = PlayState.PAUSED

    def seek(self, pts_s: float) -> None:
        self.calls.append(("seek", pts_s))
        self._pts, self._taken = pts_s, -1

    def step(self, frames: int) -> None:
        self.calls.append(("step", frames))
        self._state = PlayState.PAUSED
        self._pts = min(DURATION_S, max(0.0, self._pts + frames / FPS))
        self._taken = -1

    def retry_now(self) -> None:
        self.calls.append(("retry_now",))

    def give_up(self) -> None:
        self.calls.append(("give_up",))

    def start_recording(self, request) -> None:
        self.calls.append(("start_recording", request))
        self._recording = RecordingStatus(video=request.video, labels=request.labels)

    def stop_recording(self) -> None:
        self.calls.append(("stop_recording",))
        if self._recording is not None:
            self._recording = replace(self._recording, active=False)

    def screenshot(self, path: Path, kind: str) -> None:
        self.calls.append(("screenshot", path, kind))
        self._notices.append(("info", f"Saved {path}"))

    def start_lab(self, request) -> None:
        self.calls.append(("start_lab", request))
        self.lab.start(request)

    def stop_lab(self) -> None:
        self.calls.append(("stop_lab",))
        self.lab.stop()

    def watch_parity(self, watch) -> None:
        self.calls.append(("watch_parity", watch))
        self.lab.watch = watch
        if watch is None:
            self.lab.reading = ParityReading()

    def save_replay(self, path: Path, seconds: float) -> None:
        self.calls.append(("save_replay", path, seconds))
        self._notices.append(("info", f"Saved {path}"))

    def restart(self) -> None:
        self.calls.append(("restart",))
        self.engine_failure = ""

    def notify(self, severity: str, sentence: str) -> None:
        self._notices.append((severity, sentence))

    def _advance(self) -> None:
        now = time.monotonic()
        if self._state is PlayState.PLAYING and not self.failure:
            self._pts += (now - self._clock) * (self.settings.playback.rate or 8.0)
            if self._pts >= DURATION_S:
                if self.settings.playback.loop:
                    self._pts %= DURATION_S
                else:
                    self._pts, self._state = DURATION_S, PlayState.ENDED
        self._clock = now

    def _engine(self) -> EngineStatus:
        if self.engine_failure:
            return EngineStatus(EnginePhase.FAILED, self.engine_failure)
        passed = time.monotonic() - self._born
        if passed < self._load_s:
            step = min(3, int(4 * passed / self._load_s))
            return EngineStatus(EnginePhase.LOADING, STEPS[step], step + 1, 4)
        toggles = []
        baseline = Optimizations.baseline()
        for name in toggle_names():
            asked = getattr(self.settings.optimizations, name)
            works = self.gpu or name in WORK_ON_CPU
            effective = asked if works else getattr(baseline, name)
            reason = "" if works else "needs an NVIDIA GPU"
            toggles.append(ToggleState(name, asked, effective, reason, available=works))
        info = EngineInfo(
            model="demo",
            backend="torch" if self.gpu else "onnxruntime",
            backend_reason="Fastest one that runs here."
            if self.gpu
            else "No NVIDIA GPU was found, so the network runs on the CPU.",
            device="NVIDIA H100 80GB HBM3" if self.gpu else "CPU, 2 threads",
            precision="fp16" if self.gpu else "fp32",
            resize=ResizeMode.A,
            input_wh=(312, 312),
            class_names=NAMES,
            has_masks=True,
            toggles=tuple(toggles),
        )
        return EngineStatus(EnginePhase.READY, info=info)

    def _samples(self) -> tuple[FrameSample, ...]:
        wanted = int((time.monotonic() - self._born) * frame_rate(gpu=self.gpu))
        first = max(self._sampled, wanted - 100)
        self._sampled = wanted
        return tuple(
            sample(
                index,
                self._born,
                self.settings.optimizations,
                gpu=self.gpu,
                with_spans=self.with_spans,
            )
            for index in range(first, wanted)
        )

    def poll(self) -> Snapshot | None:
        self._advance()
        self.lab.advance()
        engine = self._engine()
        idle = self._state is PlayState.IDLE
        self._sequence += 1
        ready = engine.phase is EnginePhase.READY and not idle
        if self._recording is not None and self._recording.active:
            frames = self._recording.frames + 3
            self._recording = replace(
                self._recording, frames=frames, duration_s=frames / FPS, size_bytes=frames * 5_300
            )
        notices, self._notices = tuple(self._notices), []
        frame = int(self._pts * FPS)
        lost = self.failure or (self.engine_failure and "child" in self.engine_failure)
        return Snapshot(
            sequence=self._sequence,
            time_ns=time.monotonic_ns(),
            state=PlayState.FAILED if lost else self._state,
            engine=engine,
            engine_config=self.settings.engine,
            optimizations=self.settings.optimizations,
            view=self.settings.view,
            playback=self.settings.playback,
            policy=self.policy,
            error=self.failure or self.engine_failure,
            source=None
            if idle or self.failure
            else SourceInfo(
                f"/videos/{self.source_name}",
                self.source_name,
                SourceKind.FILE,
                WIDTH,
                HEIGHT,
                FPS,
                DURATION_S,
                int(DURATION_S * FPS),
                seekable=True,
                codec="h264 yuv420p",
            ),
            frame_index=None if idle else frame,
            pts_s=None if idle else self._pts,
            source_fps=FPS if self._state is PlayState.PLAYING else None,
            inferred_fps=(612.4 if self.gpu else 3.9) if ready else None,
            counters=Counters(frame + 1, frame * 26 // 30, max(1, frame * 4 // 30), frame, 0, 900),
            queues={"to engine": (1, 4), "in flight": (2, 2), "to draw": (1, 2)},
            rss_bytes=612_000_000,
            device=self.usage
            or DeviceUsage(0.18 + 0.05 * np.sin(self._sequence / 8), "", 2_400_000_000)
            if self.gpu
            else DeviceUsage(None, "not measured: no GPU"),
            recording=self._recording,
            class_counts={1: 1, 3: 1, 4: 1, 6: 1, 8: 1} if ready else {},
            samples=self._samples() if ready else (),
            lab=self.lab.status,
            parity=self.lab.reading,
            notices=notices,
        )

    def take_image(self) -> PresentedFrame | None:
        self._advance()
        index = int(self._pts * FPS)
        if index == self._taken or self._state is PlayState.IDLE or self.failure:
            return None
        self._taken = index
        ready = self._engine().phase is EnginePhase.READY
        age = (0.24 if self.policy is Policy.KEEP_PACE else 0.0) if ready else None
        return PresentedFrame(
            self._picture(index, self.settings.view),
            index,
            self._pts,
            self._epoch,
            time.monotonic_ns() - 38_000_000,
            age,
        )

    def close(self, timeout_s: float = 5.0) -> RecordingStatus | None:
        self.calls.append(("close", timeout_s))
        self.closed = True
        return self._recording

    def asked(self, name: str) -> list[tuple]:
        """Return the arguments of every call of `name`."""
        return [call[1:] for call in self.calls if call[0] == name]
