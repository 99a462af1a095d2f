"""Real RTSP connections that stall, die and come back, as the window would see them."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rfviewer.config import Playback, Settings
from rfviewer.pipeline import live
from rfviewer.pipeline.live_times import LiveTimes
from rfviewer.session.local import LocalSession
from rfviewer.snapshot import LivePhase, PlayState
from rfviewer.sources.factory import open_source
from tests.fakes import Bench, wait_until
from tests.sources.makers import make_clip, read_all
from tests.sources.rtsp_server import RtspServer


@pytest.fixture
def stream(tmp_path):
    return make_clip(tmp_path / "a.ts", 50, options={"g": "10", "bf": "0"}).read_bytes()


@pytest.fixture
def port() -> Iterator[int]:
    """A port that refuses connections, and that nobody else is given until a server listens there.

    Bound and not listening, another socket that reuses the address may still listen on it.
    """
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]


@pytest.fixture
def session(monkeypatch) -> Iterator[LocalSession]:
    monkeypatch.setattr("rfviewer.sources.urls._TIMEOUTS_S", (2.0, 2.0))
    times = LiveTimes(first_retry_s=0.1)
    times = replace(times, network=replace(times.network, stalled_s=0.3, longest_retry_s=0.4))
    parts = replace(Bench().parts(), open_source=open_source, live_times=times)
    session = LocalSession(parts, Settings(), lambda p, i, m: None)
    yield session
    session.close()
    wait_until(lambda: not session._pipeline.playing._care.strays.count)


def test_a_stream_that_falls_silent_comes_back_by_itself(stream, session, caplog, monkeypatch):
    seen = []

    class Noted(live._State):
        def __init__(self, *arguments, **fields):
            super().__init__(*arguments, **fields)
            seen.append(self.phase)

    monkeypatch.setattr(live, "_State", Noted)
    with RtspServer(stream, password="s3cret") as server:
        session.open(f"rtsp://bob:s3cret@127.0.0.1:{server.port}/live", Playback())
        session.wait(lambda s: s.counters.captured > 10, 60)
        server.silent.set()
        lost = session.wait(lambda s: s.live.attempt >= 2 and s.live.reason, 60)
        assert {LivePhase.STALLED, LivePhase.LOST} <= set(seen)
        assert lost.state is PlayState.PLAYING
        assert "does not answer" in lost.live.reason
        server.silent.clear()
        before = lost.counters.captured
        session.wait(
            lambda s: (
                s.counters.captured > before + 10
                and s.live.phase is LivePhase.PLAYING
                and s.live.last_frame_age_s < 1
            ),
            60,
        )
        assert server.connections >= 2
        assert "s3cret" not in str(lost) + caplog.text


def test_a_server_that_dies_and_starts_again(stream, session, port):
    with RtspServer(stream, port=port):
        session.open(f"rtsp://127.0.0.1:{port}/live", Playback())
        session.wait(lambda s: s.counters.captured > 10, 60)
    lost = session.wait(lambda s: "refuses the connection" in s.live.reason, 60)
    assert lost.live.attempt >= 1
    with RtspServer(stream, port=port):
        before = lost.counters.captured
        session.wait(lambda s: s.counters.captured > before + 10, 60)


def test_a_camera_that_is_down_when_the_viewer_starts(stream, session, port):
    session.open(f"rtsp://127.0.0.1:{port}/live", Playback())
    waiting = session.wait(lambda s: s.live is not None and s.live.attempt >= 2, 60)
    assert waiting.state is PlayState.OPENING
    assert "refuses the connection" in waiting.live.reason
    with RtspServer(stream, port=port):
        session.wait(lambda s: s.counters.captured > 10, 60)
        assert session.poll().state is PlayState.PLAYING


def test_a_wrong_password_is_not_tried_again(stream, session, port):
    session.open(f"rtsp://bob:wrong@127.0.0.1:{port}/live", Playback())
    session.wait(lambda s: s.live is not None and s.live.attempt >= 1, 60)
    with RtspServer(stream, port=port, password="right"):
        failed = session.wait(lambda s: s.state is PlayState.FAILED, 60)
    assert "refuses the user name or password" in failed.error


def test_an_export_does_not_wait_for_a_camera_that_is_down(session, port):
    session.open(f"rtsp://127.0.0.1:{port}/live", Playback(reconnect_s=30.0))
    failed = session.wait(lambda s: s.state is PlayState.FAILED, 60)
    assert "refuses the connection" in failed.error


def test_a_server_that_knows_udp_only(stream):
    """TCP is asked for first; what is refused there is fetched by UDP."""
    with RtspServer(stream, udp=True) as server:
        source = open_source(f"rtsp://127.0.0.1:{server.port}/live")
        assert len(read_all(source, 10)) == 10
        source.close()
        assert "TCP" in server.transports[0]
        assert "TCP" not in server.transports[-1]


def test_closing_does_not_wait_for_a_silent_server(session, monkeypatch):
    monkeypatch.setattr("rfviewer.sources.urls._TIMEOUTS_S", (600.0, 600.0))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        session.open(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x", Playback())
        session.wait(lambda s: s.live is not None and s.live.phase is LivePhase.CONNECTING, 60)
        started = time.monotonic()
        session.close(5.0)
        assert time.monotonic() - started < 300  # the server would be waited for 600 s
