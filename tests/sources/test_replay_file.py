"""Replay files from anywhere: nothing outside the format is read, nothing leaves the archive."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from rfviewer.config import EngineConfig, Settings, View
from rfviewer.errors import SourceError
from rfviewer.optimizations import Optimizations
from rfviewer.sources import replay_file
from rfviewer.sources.factory import open_source
from rfviewer.sources.replay_file import (
    CLIP,
    MANIFEST,
    RESULTS,
    SETTINGS,
    ReplayManifest,
    manifest_text,
    read_manifest,
    read_results,
    read_settings,
    settings_text,
    with_saved_settings,
)
from tests.sources.makers import make_clip, numbers, read_all

SETTINGS_OF_RUN = Settings(
    engine=EngineConfig(model="none", threads=2),
    view=View(threshold=0.25, hidden_class_ids=frozenset({3, 1})),
    optimizations=Optimizations(depth=1, roi_masks=False),
)


def manifest(count: int = 5) -> ReplayManifest:
    times_s = tuple(n / 25 for n in range(count))
    return ReplayManifest(
        source="a.mp4",
        name="a.mp4",
        live=False,
        fps=25.0,
        clip_times_s=tuple(time_s + 0.08 for time_s in times_s),
        pts_s=times_s,
        stream_copy=True,
        made_with={"software": "rfviewer 0"},
    )


@pytest.fixture
def members(tmp_path: Path) -> dict[str, bytes]:
    clip = make_clip(tmp_path / "clip.mkv", 20)
    return {
        MANIFEST: manifest_text(manifest()).encode(),
        SETTINGS: settings_text(SETTINGS_OF_RUN).encode(),
        RESULTS: b'{"frame_index": 0}\n{"frame_index": 1}\n',
        CLIP: clip.read_bytes(),
    }


def packed(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_a_replay_is_read_back(tmp_path: Path, members: dict[str, bytes]) -> None:
    path = packed(tmp_path / "a.rfreplay", members)
    assert read_manifest(path) == manifest()
    saved = read_settings(path)
    assert (saved.engine, saved.view) == (SETTINGS_OF_RUN.engine, SETTINGS_OF_RUN.view)
    assert saved.optimizations == SETTINGS_OF_RUN.optimizations
    assert [record["frame_index"] for record in read_results(path)] == [0, 1]
    source = open_source(str(path))
    assert numbers(read_all(source)) == [2, 3, 4, 5, 6]  # the clip begins two frames earlier
    assert not source.info.live
    assert source.info.media_path == ""
    source.close()
    assert with_saved_settings(Settings(), str(path)).optimizations.depth == 1
    assert with_saved_settings(Settings(), "a.mp4") == Settings()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("../evil.py", b"x"),
        ("/etc/evil", b"x"),
        ("extra.json", b"{}"),
        ("clip.mp4", b"x"),
    ],
)
def test_unknown_members_are_refused(
    tmp_path: Path, members: dict[str, bytes], name: str, data: bytes
) -> None:
    before = set(tmp_path.rglob("*"))
    path = packed(tmp_path / "a.rfreplay", {**members, name: data})
    with pytest.raises(SourceError, match="no replay that can be read"):
        open_source(str(path))
    assert set(tmp_path.rglob("*")) == before | {path}


def test_a_missing_member_and_one_that_comes_twice_are_refused(
    tmp_path: Path, members: dict[str, bytes]
) -> None:
    without = {name: data for name, data in members.items() if name != SETTINGS}
    with pytest.raises(SourceError):
        open_source(str(packed(tmp_path / "a.rfreplay", without)))
    twice = packed(tmp_path / "b.rfreplay", members)
    with zipfile.ZipFile(twice, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(MANIFEST, b"{}")
    with pytest.raises(SourceError):
        open_source(str(twice))


def test_what_unpacks_to_more_than_allowed_is_refused(
    tmp_path: Path, members: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(replay_file._LIMITS, SETTINGS, 1 << 10)
    bomb = packed(tmp_path / "a.rfreplay", {**members, SETTINGS: b" " * (1 << 22)})
    assert bomb.stat().st_size < 1 << 20
    with pytest.raises(SourceError, match="too large"):
        read_settings(bomb)
    monkeypatch.setitem(replay_file._LIMITS, CLIP, 100)
    with pytest.raises(SourceError, match="too large"):
        open_source(str(packed(tmp_path / "b.rfreplay", members)))


@pytest.mark.parametrize(
    ("member", "data"),
    [
        (MANIFEST, b"not json"),
        (MANIFEST, b"[]"),
        (MANIFEST, b"[" * 100_000),
        (MANIFEST, b'{"format": "rfviewer-replay", "version": 99}'),
        (MANIFEST, b'{"format": "rfviewer-replay", "version": 1}'),
        (CLIP, b"#!/bin/sh\n"),
        (CLIP, b"ffconcat version 1.0\nfile /etc/passwd\n"),
    ],
)
def test_broken_members_are_told_in_one_sentence(
    tmp_path: Path, members: dict[str, bytes], member: str, data: bytes
) -> None:
    with pytest.raises(SourceError):
        open_source(str(packed(tmp_path / "a.rfreplay", {**members, member: data})))


@pytest.mark.parametrize(
    "times",
    [[], [0.0, 0.0], [0.1, 0.0], [0.0, float("nan")], [0.0, 1e999], ["a"], None, [0.5, 0.6]],
)
def test_wrong_times_are_refused(tmp_path: Path, members: dict[str, bytes], times: object) -> None:
    content = json.loads(members[MANIFEST])
    content["pts_s"] = times
    content["clip_times_s"] = content["clip_times_s"][: len(times or [])]
    members[MANIFEST] = json.dumps(content).encode()
    with pytest.raises(SourceError):
        open_source(str(packed(tmp_path / "a.rfreplay", members)))


def test_a_switch_that_came_later_was_off_in_the_run_of_a_replay(
    tmp_path: Path, members: dict[str, bytes]
) -> None:
    settings = json.loads(members[SETTINGS])
    assert settings["optimizations"].pop("dependent_launch") is True
    settings["optimizations"].pop("depth")
    members[SETTINGS] = json.dumps(settings).encode()
    saved = read_settings(packed(tmp_path / "a.rfreplay", members)).optimizations
    assert saved == replace(SETTINGS_OF_RUN.optimizations, dependent_launch=False, depth=1)


@pytest.mark.parametrize(
    "settings",
    [
        {"engine": {"model": "//server/share/model.pth"}},
        {"engine": {"model": "\\\\server\\model.onnx"}},
        {"engine": {"model": "http://host/model.onnx"}},
        {"engine": {"wrong": 1}},
        {"playback": {"loop": True}},
        {"view": {"threshold": 7}},
        {"optimizations": {"depth": "many"}},
    ],
)
def test_settings_that_cannot_be_are_refused(
    tmp_path: Path, members: dict[str, bytes], settings: dict[str, object]
) -> None:
    members[SETTINGS] = json.dumps(settings).encode()
    with pytest.raises(SourceError):
        read_settings(packed(tmp_path / "a.rfreplay", members))


def test_files_that_are_no_archive_or_are_cut_off(
    tmp_path: Path, members: dict[str, bytes]
) -> None:
    whole = packed(tmp_path / "a.rfreplay", members).read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        cut = tmp_path / f"{size}.rfreplay"
        cut.write_bytes(whole[:size])
        with pytest.raises(SourceError):
            open_source(str(cut))
    with pytest.raises(SourceError, match="no file"):
        read_settings(tmp_path / "none.rfreplay")
