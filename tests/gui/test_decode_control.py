from dataclasses import replace

import pytest

from rfviewer.decode import Decode, DecodeState
from rfviewer.frame import SourceInfo, SourceKind
from rfviewer.gui.controls import Segments
from rfviewer.gui.decode_control import DecodeControl, decode_text

CLIP = SourceInfo("a.mp4", "a.mp4", SourceKind.FILE, 64, 48, 25.0, seekable=True)


def test_a_press_asks_for_another_decoder_and_keeps_the_rest(window, session):
    before = window.model.playback
    segments = window.panel.engine.findChild(DecodeControl).findChild(Segments)
    segments.chosen.emit(Decode.GPU)
    (sent,) = session.asked("set_playback")[-1]
    assert sent == replace(before, decode=Decode.GPU)
    assert window.model.playback.decode is Decode.GPU


def test_opening_another_source_keeps_the_choice(window, session):
    window.model.update_playback(decode=Decode.GPU)
    window.model.open("b.mp4")
    assert session.asked("open")[-1][1].decode is Decode.GPU


@pytest.mark.parametrize(
    ("state", "wanted", "text"),
    [
        (None, Decode.GPU, "\N{EN DASH}"),
        (DecodeState(Decode.GPU, Decode.GPU), Decode.GPU, "NVDEC"),
        (
            DecodeState(Decode.GPU, Decode.GPU, on_device=True),
            Decode.GPU,
            "NVDEC, stays on the GPU",
        ),
        (DecodeState(Decode.GPU, Decode.CPU, "no driver"), Decode.GPU, "CPU: no driver"),
        (DecodeState(Decode.CPU, Decode.CPU), Decode.CPU, "CPU"),
        (DecodeState(Decode.CPU, Decode.CPU), Decode.GPU, "acts with the next frame"),
    ],
)
def test_what_decodes_and_why_is_told(state, wanted, text):
    assert decode_text(replace(CLIP, decode=state), wanted) == text


def test_a_live_source_follows_when_it_is_opened_again():
    live = replace(CLIP, live=True, decode=DecodeState(Decode.CPU, Decode.CPU))
    assert decode_text(live, Decode.GPU) == "acts when it is opened again"
    assert decode_text(None, Decode.GPU) == "\N{EN DASH}"
