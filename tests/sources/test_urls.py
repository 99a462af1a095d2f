"""Network addresses: only typed ones, within bounds of time, and without leaking a password."""

import functools
import http.server
import itertools
import logging
import socket
import threading

import pytest

from rfviewer.errors import SourceError, UsageError
from rfviewer.frame import SourceKind
from rfviewer.sources.factory import open_source
from rfviewer.sources.urls import target_of, without_secrets
from tests.sources.makers import make_clip, numbers, read_all
from tests.sources.rtsp_server import RtspServer


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://bob:s3cret@cam/x", "rtsp://cam/x"),
        ("rtsp://bob:s3@cret@cam:554/x", "rtsp://cam:554/x"),
        ("rtsp://bob:s3/cret@cam/x", "rtsp://cam/x"),
        ("rtsp://cam:554/stream@1", "rtsp://cam:554/stream@1"),
        ("RTSP://cam/x", "rtsp://cam/x"),
        (
            "http://cam/x?user=bob&password=s3cret&size=1",
            "http://cam/x?user=***&password=***&size=1",
        ),
        ("http://[::1]:80/x?auth_token=s3cret", "http://[::1]:80/x?auth_token=***"),
    ],
)
def test_secrets_are_not_shown(url, shown):
    assert without_secrets(url) == shown
    assert "s3" not in target_of(url).name


def test_files_and_lists_are_out_of_reach():
    for url in ("rtsp://cam/x", "http://cam/x.m3u8", "udp://239.0.0.1:5000"):
        target = target_of(url)
        assert "file" not in target.protocols
        assert not {"concat", "sdp"} & set(target.formats)
        assert max(target.timeouts_s) <= 5


@pytest.mark.parametrize("url", ["http://", "https:///a.mp4", "rtsp://:554/x", "http://?a=b"])
def test_an_address_without_a_server_is_refused(url):
    with pytest.raises(UsageError, match="names no server"):
        target_of(url)


def test_an_address_that_waits_for_a_sender_needs_none():
    assert target_of("udp://@:1234").location == "udp://@:1234"


@pytest.mark.parametrize("scheme", ["ftp", "concat", "gopher", "data", "pipe"])
def test_other_schemes_are_not_understood(scheme):
    with pytest.raises(UsageError, match="understood are rtsp"):
        open_source(f"{scheme}://bob:s3cret@host/x")


@pytest.mark.parametrize("scheme", ["rtsp", "http", "tcp"])
def test_a_silent_server_is_noticed(scheme, caplog, monkeypatch):
    monkeypatch.setattr("rfviewer.sources.urls._TIMEOUTS_S", (1.0, 1.0))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://bob:s3cret@127.0.0.1:{silent.getsockname()[1]}/x"
        with caplog.at_level(logging.DEBUG), pytest.raises(SourceError) as caught:
            open_source(url)  # it would stay silent for ever
    assert "does not answer" in str(caught.value)
    assert "s3cret" not in str(caught.value) + caplog.text


def test_nobody_there():
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen
        with pytest.raises(SourceError, match="refuses the connection"):
            open_source(f"rtsp://127.0.0.1:{deaf.getsockname()[1]}/x")


@pytest.fixture
def stream(tmp_path):
    return make_clip(tmp_path / "a.ts", 50, options={"g": "10", "bf": "0"}).read_bytes()


def test_rtsp_over_tcp(stream):
    with RtspServer(stream, password="s3@cret") as server:
        source = open_source(f"rtsp://bob:s3%40cret@127.0.0.1:{server.port}/live")
        info = source.info
        assert (info.kind, info.live, info.seekable) == (SourceKind.STREAM, True, False)
        assert (info.uri, info.name) == (f"rtsp://127.0.0.1:{server.port}/live", "127.0.0.1 live")
        frames = read_all(source, 30)
        assert len(frames) == 30
        assert None not in numbers(frames)
        assert [f.frame_index for f in frames] == list(range(30))
        assert all(a.pts_s < b.pts_s for a, b in itertools.pairwise(frames))
        assert all("TCP" in transport for transport in server.transports)
        with pytest.raises(SourceError, match="is live"):
            source.seek(0)
        source.interrupt()
        assert source.read() is None
        source.close()


def test_wrong_password(stream, caplog):
    with RtspServer(stream, password="right") as server:
        with caplog.at_level(logging.DEBUG), pytest.raises(SourceError) as caught:
            open_source(f"rtsp://bob:wr0ng@127.0.0.1:{server.port}/live")
        assert "refuses the user name or password" in str(caught.value)
        assert "wr0ng" not in str(caught.value) + caplog.text


def test_a_stream_that_falls_silent_is_noticed(stream, monkeypatch):
    monkeypatch.setattr("rfviewer.sources.urls._TIMEOUTS_S", (3.0, 1.0))
    with RtspServer(stream, stall_after=60) as server:
        source = open_source(f"rtsp://127.0.0.1:{server.port}/live")
        with pytest.raises(SourceError, match="does not answer"):
            read_all(source)  # it would stay silent for ever
        source.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def web(tmp_path):
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="test-web")
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(60)


def test_a_video_on_a_web_server(tmp_path, web):
    make_clip(tmp_path / "a.mkv", 30, options={"g": "10", "bf": "2"})
    source = open_source(f"{web}/a.mkv")
    info = source.info
    assert (info.kind, info.live) == (SourceKind.STREAM, False)
    assert info.duration_s == pytest.approx(1.2, abs=0.05)
    assert numbers(read_all(source)) == list(range(30))
    source.seek(0.6)
    assert numbers([source.read()]) == [15]
    source.seek_before(0.6)
    assert numbers([source.read()]) == [14]
    source.close()


def test_a_missing_page(web):
    with pytest.raises(SourceError, match="does not exist on that server"):
        open_source(f"{web}/nothing.mp4")


def test_a_local_playlist_reaches_no_server(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        address = f"http://127.0.0.1:{trap.getsockname()[1]}/a.ts"
        for name in ("a.m3u8", "a.mp4", "a.ts"):
            path = tmp_path / name
            path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n")
            with pytest.raises(SourceError):
                open_source(str(path))
        with pytest.raises(BlockingIOError):
            trap.accept()
