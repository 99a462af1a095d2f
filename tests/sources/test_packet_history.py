"""The last packets of a stream: bounded, from a key frame on, and cut to the very same frames."""

from contextlib import closing
from fractions import Fraction

import av
import pytest

from rfviewer.frame import SourceKind
from rfviewer.sources.clip import cut_history
from rfviewer.sources.factory import open_source
from rfviewer.sources.media import Target
from rfviewer.sources.packet_history import PacketHistory
from rfviewer.sources.pyav_source import PyAvSource
from tests.sources.makers import make_clip, numbers, read_all
from tests.sources.rtsp_server import RtspServer

GROUP = 10
FRAMES = 60


@pytest.fixture(scope="module")
def transport_stream(tmp_path_factory):
    path = tmp_path_factory.mktemp("media") / "a.ts"
    return make_clip(path, FRAMES, options={"g": str(GROUP), "bf": "2", "sc_threshold": "0"})


def feed(history, path):
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.video[0]):
            if packet.size:
                history.add(packet)
                yield packet


def test_old_groups_go_and_what_stays_begins_with_a_key_frame(transport_stream):
    history = PacketHistory(seconds=0.5)
    for _ in feed(history, transport_stream):
        kept = history.stretch()
        assert kept.packets[0].key
        assert float((kept.packets[-1].dts - kept.packets[0].dts) * kept.time_base) < 1.0
    # At least what was promised, at most one group more.
    assert 0.5 * 25 <= len(kept.packets) <= 0.5 * 25 + GROUP + 1
    history.restart()
    assert history.stretch() is None


def test_bytes_are_bounded_whatever_comes(transport_stream):
    sizes = [packet.size for packet in feed(PacketHistory(), transport_stream)]
    limit = sum(sizes) // 4
    history = PacketHistory(limit_bytes=limit)
    for _ in feed(history, transport_stream):
        kept = history.stretch()
        assert kept is None or sum(len(p.data) for p in kept.packets) <= limit
    tiny = PacketHistory(limit_bytes=max(sizes) - 1)
    for _ in feed(tiny, transport_stream):
        kept = tiny.stretch()
        assert kept is None or sum(len(p.data) for p in kept.packets) < max(sizes)


def test_nothing_is_kept_before_the_first_key_frame(transport_stream):
    history = PacketHistory()
    with av.open(str(transport_stream)) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.size]
        for packet in packets[3:GROUP]:
            history.add(packet)
        assert history.stretch() is None
        history.add(packets[GROUP])
        assert len(history.stretch().packets) == 1


def test_a_stream_is_cut_to_the_frames_that_were_shown(transport_stream, tmp_path):
    with (
        RtspServer(transport_stream.read_bytes()) as server,
        closing(open_source(f"rtsp://127.0.0.1:{server.port}/x")) as source,
    ):
        frames = [source.read() for _ in range(45)]
        stretch = source.packets.stretch()
    shown = [frame for frame in frames if frame.capture_time_ns in stretch.stamps]
    assert len(shown) == 45
    first, last = frames[23], frames[40]
    clip = cut_history(
        stretch,
        stretch.stamps[first.capture_time_ns],
        stretch.stamps[last.capture_time_ns],
        tmp_path / "clip.mkv",
    )
    assert len(clip.pts_s) == 18
    target = Target(f"file:{tmp_path / 'clip.mkv'}", "", "clip", SourceKind.FILE)
    with closing(PyAvSource(target)) as again:
        played = [f for f in read_all(again) if f.pts_s >= clip.clip_times_s[0] - 0.002][:18]
    assert numbers(played) == numbers(frames[23:41])
    assert [f.image.tobytes() for f in played] == [f.image.tobytes() for f in frames[23:41]]
    for frame, time_s in zip(played, clip.clip_times_s, strict=True):
        assert frame.pts_s == pytest.approx(time_s, abs=0.0015)


def test_a_range_without_its_key_frame_cannot_be_cut(transport_stream, tmp_path):
    history = PacketHistory(seconds=0.5)
    for _ in feed(history, transport_stream):
        pass
    stretch = history.stretch()
    early = stretch.packets[0].pts - int(1 / stretch.time_base)
    assert isinstance(stretch.time_base, Fraction)
    assert cut_history(stretch, early, early + 1, tmp_path / "clip.mkv") is None


def test_a_file_keeps_no_packets(transport_stream):
    with closing(open_source(str(transport_stream))) as source:
        assert source.packets is None


def test_a_broken_clock_begins_a_new_history(transport_stream):
    history = PacketHistory()
    for _round in range(2):
        for _ in feed(history, transport_stream):
            kept = history.stretch().packets
            stamps = [kept_packet.dts for kept_packet in kept]
            assert stamps == sorted(stamps)
    assert len(kept) == FRAMES
