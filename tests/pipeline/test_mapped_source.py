"""Frames are taken to the engine's memory by the capture thread, if the engine has some."""

import threading
from dataclasses import replace

from rfviewer.config import Playback, Policy
from rfviewer.errors import EngineError
from rfviewer.pipeline.mapped_source import MappedSource
from rfviewer.snapshot import EnginePhase, PlayState
from tests.fake_engine import FakeEngine
from tests.fakes import Bench, FakeSource, wait_until


class HomingBench(Bench):
    def _engine(self, config, optimizations, progress):
        engine = HomingEngine(optimizations)
        self.engines.append(engine)
        return engine


class HomingEngine(FakeEngine):
    """Notes where frames come from and on which threads they are taken home."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.homed, self.threads, self.submitted = {}, set(), []

    def home(self, frame):
        self.threads.add(threading.current_thread().name)
        image = frame.image.copy()
        self.homed[frame.frame_index] = image
        return replace(frame, picture=image)

    def submit(self, frame, threshold, overlay=None):
        self.submitted.append(frame)
        super().submit(frame, threshold, overlay)


def test_a_source_reads_homed_frames_and_is_otherwise_itself():
    source = FakeSource(frames=3)
    homed = MappedSource(source, lambda frame: replace(frame, name=f"at home {frame.frame_index}"))
    assert homed.info is source.info
    assert [homed.read().name for _ in range(3)] == [f"at home {index}" for index in range(3)]
    assert homed.read() is None
    homed.seek(0.0)
    assert homed.read().frame_index == 0
    homed.close()
    assert source.closed


def play(bench):
    """Play the clip and return the engine that saw it."""
    session = bench.session()
    newest = None

    def reached(check):
        def look():
            nonlocal newest
            newest = session.poll() or newest
            return newest is not None and check(newest)

        wait_until(look)

    reached(lambda snapshot: snapshot.engine.phase is EnginePhase.READY)
    session.open("clip", Playback(policy=Policy.EVERY_FRAME, rate=None))
    reached(lambda snapshot: snapshot.state is PlayState.ENDED)
    session.close()
    (engine,) = bench.engines
    return engine


def test_the_capture_thread_takes_every_frame_home():
    engine = play(HomingBench({"clip": FakeSource}))
    assert [frame.frame_index for frame in engine.submitted] == list(range(20))
    for frame in engine.submitted:
        assert frame.image is engine.homed[frame.frame_index]
    assert engine.threads
    assert not any("engine" in name for name in engine.threads)


class Picture:
    """Lies on a GPU; notes the threads that look at it."""

    def __init__(self, image):
        self.image, self.threads = image, []

    def to_host(self):
        self.threads.append(threading.current_thread().name)
        return self.image


class SourceOnDevice(FakeSource):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.pictures = []

    def read(self):
        frame = super().read()
        if frame is None:
            return None
        self.pictures.append(Picture(frame.image))
        return replace(frame, picture=self.pictures[-1])


def test_an_engine_on_the_host_finds_pictures_of_the_gpu_there():
    sources = []

    def open_source(*args):
        sources.append(SourceOnDevice(*args))
        return sources[-1]

    play(Bench({"clip": open_source}))
    first_looks = [picture.threads[0] for picture in sources[-1].pictures]
    assert first_looks == ["rfviewer-capture"] * 20


def test_a_frame_that_cannot_be_taken_home_is_left_to_the_engine(caplog):
    class Homeless(HomingEngine):
        def home(self, frame):
            raise EngineError("A picture cannot be copied from the GPU (no memory).")

    class HomelessBench(Bench):
        def _engine(self, config, optimizations, progress):
            self.engines.append(Homeless(optimizations))
            return self.engines[-1]

    engine = play(HomelessBench({"clip": FakeSource}))
    assert [frame.frame_index for frame in engine.submitted] == list(range(20))
    assert "a frame stays where it is: A picture cannot be copied" in caplog.text
