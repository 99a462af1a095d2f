"""Another decoder while a source plays: no frame is lost or repeated, and giving up is told."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rfviewer.config import Playback, Policy, Settings
from rfviewer.decode import Decode, DecodeState
from rfviewer.frame import Frame
from rfviewer.interfaces import RecordingRequest
from rfviewer.pipeline.reopening_source import ReopeningSource
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import PlayState
from tests.fakes import Bench, FakeSource, wait_until

CPU, GPU, AUTO = Decode.CPU, Decode.GPU, Decode.AUTO
FAST = Playback(policy=Policy.EVERY_FRAME, rate=None)


class DecodedSource(FakeSource):
    """Says what decodes it; its GPU gives up before frame `fails_at`; waits at `gates`."""

    def __init__(
        self,
        wanted: Decode,
        *,
        frames: int = 20,
        fails_at: int = -1,
        gates: dict[int, threading.Event] | None = None,
        **more: object,
    ) -> None:
        super().__init__(frames, **more)  # type: ignore[arg-type]
        self.fails_at = fails_at
        self.gates = gates or {}
        effective = GPU if wanted is GPU else CPU
        self.info = replace(self.info, decode=DecodeState(wanted, effective))

    def read(self) -> Frame | None:
        if self._next == self.fails_at:
            self.info = replace(self.info, decode=DecodeState(GPU, CPU, "NVDEC failed"))
        if self._next in self.gates:
            assert self.gates[self._next].wait(60)
        return super().read()


class Chooser:
    """A choice over sources that note what they were opened for."""

    def __init__(self, wanted: Decode = CPU, **more: object) -> None:
        self.wanted = wanted
        self.opened: list[DecodedSource] = []
        self.told: list[DecodeState | None] = []

        def open_source() -> DecodedSource:
            self.opened.append(DecodedSource(self.wanted, **more))  # type: ignore[arg-type]
            return self.opened[-1]

        self.source = ReopeningSource(
            open_source, lambda: self.wanted, lambda info: self.told.append(info.decode)
        )

    def indices(self, count: int) -> list[int]:
        frames = [self.source.read() for _ in range(count)]
        return [frame.frame_index for frame in frames if frame is not None]


@pytest.mark.parametrize("before", [0, 1, 7, 20])
def test_a_file_goes_on_at_the_frame_after_the_last_one(before: int) -> None:
    chooser = Chooser()
    assert chooser.indices(before) == list(range(before))
    chooser.wanted = GPU
    assert chooser.indices(21) == list(range(before, 20))
    assert chooser.told == [DecodeState(GPU, GPU)]
    assert [source.closed for source in chooser.opened] == [True, False]


@pytest.mark.parametrize(
    ("jump", "first"),
    [(lambda s: s.seek(0.4), 10), (lambda s: s.seek_before(0.4), 9), (lambda s: s.seek(9.0), 19)],
)
def test_a_jump_just_before_is_made_again(
    jump: Callable[[ReopeningSource], None], first: int
) -> None:
    chooser = Chooser()
    chooser.indices(3)
    jump(chooser.source)
    chooser.wanted = GPU
    assert chooser.indices(1) == [first]


def test_a_live_source_keeps_its_decoder() -> None:
    chooser = Chooser(live=True)
    chooser.indices(2)
    chooser.wanted = GPU
    chooser.indices(2)
    assert len(chooser.opened) == 1


def test_a_source_that_decodes_nothing_is_not_opened_again() -> None:
    opened: list[FakeSource] = []
    wanted = [CPU]

    def open_source() -> FakeSource:
        opened.append(FakeSource())
        return opened[-1]

    source = ReopeningSource(open_source, lambda: wanted[0], lambda _: pytest.fail("told"))
    wanted[0] = GPU
    frame = source.read()
    assert frame is not None
    assert (frame.frame_index, len(opened)) == (0, 1)


def test_an_interrupt_reaches_the_source_opened_since() -> None:
    chooser = Chooser(blocks_at=3)
    chooser.source.interrupt()
    chooser.wanted = GPU
    chooser.source.seek(3 / 25)
    assert chooser.source.read() is None


def decoding_session(
    fails_at: int = -1, gates: dict[int, threading.Event] | None = None
) -> tuple[Bench, LocalSession]:
    """Return a session whose source follows the playback, as the composition root does it."""
    bench = Bench()
    session = bench.session(Settings(playback=FAST))
    bench.sources["clip"] = lambda: DecodedSource(
        session.settings.playback.decode, frames=100, fails_at=fails_at, gates=gates
    )
    return bench, session


def test_flipping_while_recording_keeps_every_frame_and_the_recording() -> None:
    gates = {place: threading.Event() for place in (25, 50, 75)}
    bench, session = decoding_session(gates=gates)
    session.start_recording(RecordingRequest(video=Path("x.mp4")))
    session.open("clip", replace(FAST, decode=CPU))
    for (place, gate), choice in zip(gates.items(), (GPU, CPU, GPU), strict=True):
        session.wait(lambda s, n=place: s.counters.captured == n, 60)  # type: ignore[misc]
        session.set_playback(replace(FAST, decode=choice))
        gate.set()
    snapshot = session.wait(lambda s: s.state is PlayState.ENDED, 60)
    session.wait(lambda s: s.recording is not None and not s.recording.active, 60)
    session.close()
    assert [item.frame.frame_index for item in bench.sink.items] == list(range(100))
    assert snapshot.source is not None
    assert snapshot.source.decode == DecodeState(GPU, GPU)
    assert [source.info.decode.requested for source in bench.opened if source.info.decode] == [
        CPU, GPU, CPU, GPU,
    ]  # fmt: skip
    assert all(source.closed for source in bench.opened)


def test_a_gpu_that_gives_up_in_the_middle_is_told_once() -> None:
    _, session = decoding_session(fails_at=60)
    session.open("clip", replace(FAST, decode=GPU))
    told: list[tuple[str, str]] = []
    snapshot = session.wait(
        lambda s: told.extend(s.notices) is not None or s.state is PlayState.ENDED, 60
    )
    session.close()
    assert told == [("warning", "fake is decoded on the CPU from here on: NVDEC failed.")]
    assert snapshot.source is not None
    assert snapshot.source.decode == DecodeState(GPU, CPU, "NVDEC failed")
    assert snapshot.counters.inferred == 100


def test_choosing_the_cpu_is_no_failure() -> None:
    gate = threading.Event()
    _, session = decoding_session(gates={50: gate})
    session.open("clip", replace(FAST, decode=GPU))
    session.wait(lambda s: s.counters.captured == 50, 60)
    session.set_playback(replace(FAST, decode=CPU))
    gate.set()
    told: list[tuple[str, str]] = []

    def on_cpu() -> bool:
        snapshot = session.poll()
        assert snapshot is not None
        told.extend(snapshot.notices)
        state = None if snapshot.source is None else snapshot.source.decode
        return state == DecodeState(CPU, CPU)

    wait_until(on_cpu)
    session.close()
    assert told == []
