"""Reads what a pipeline does at this moment as one snapshot."""

import time

import numpy as np
import psutil

from rfviewer.config import Settings
from rfviewer.pipeline.pipeline import Pipeline
from rfviewer.pipeline.presenter import Presentable
from rfviewer.snapshot import PlayState, Snapshot


class StateReader:
    """Makes the snapshots of one pipeline, numbered from 1. One thread uses it."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._sequence = 0
        self._process = psutil.Process()

    def read(self, requested: Settings) -> Snapshot:
        """Return the state now, with all samples and notices since the last call.

        Other threads go on meanwhile, so it is read from effects back to their causes: what says
        that a recording, an experiment or the source has ended comes with all that led there.
        `requested` is what was asked of the pipeline, but for the engine's model and backend.
        """
        pipeline = self._pipeline
        pipeline.look()
        recording, lab = pipeline.recorder.status, pipeline.experiments.status
        parity = pipeline.parity.reading
        state, error, lost = pipeline.playing.outcome
        current = pipeline.presenter.current
        reading = pipeline.statistics.read()
        transport = pipeline.playing.transport
        self._sequence += 1
        return Snapshot(
            sequence=self._sequence,
            time_ns=time.monotonic_ns(),
            state=state,
            engine=pipeline.engine.status,
            engine_config=pipeline.engine.config,
            optimizations=requested.optimizations,
            view=requested.view,
            playback=requested.playback,
            policy=transport.policy,
            error=error,
            source=pipeline.playing.source_info,
            live=pipeline.playing.live,
            lost=lost,
            frame_index=None if current is None else current.frame.frame_index,
            pts_s=None if current is None else current.frame.pts_s,
            source_fps=reading.source_fps,
            inferred_fps=reading.inferred_fps,
            counters=reading.counters,
            queues=self._queues(),
            rss_bytes=self._process.memory_info().rss,
            device=pipeline.engine.usage,
            recording=recording,
            class_counts=self._class_counts(current, state, requested.view.threshold),
            samples=reading.samples,
            lab=lab,
            parity=parity,
            notices=reading.notices,
        )

    def _queues(self) -> dict[str, tuple[int, int]]:
        pipeline = self._pipeline
        frames = pipeline.engine.frames
        info = pipeline.engine.status.info
        return {
            "to engine": (len(frames), frames.capacity),
            "in flight": (pipeline.engine.in_flight, 0 if info is None else info.frames_in_flight),
            "to draw": pipeline.presenter.fill,
            "to write": pipeline.recorder.fill,
        }

    def _class_counts(
        self, current: Presentable | None, state: PlayState, threshold: float
    ) -> dict[int, int]:
        if current is None or state is PlayState.FAILED:
            return {}
        detections, _ = self._pipeline.presenter.detections_for(current)
        shown = detections.scores > np.float32(threshold)
        ids, counts = np.unique(detections.class_ids[shown], return_counts=True)
        return {int(i): int(n) for i, n in zip(ids, counts, strict=True)}
