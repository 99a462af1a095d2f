"""Files that change, vanish or are replaced while they play: a sentence, never another video."""

import os
import random
import shutil

import pytest

from rfviewer.errors import SourceError
from rfviewer.sources.factory import open_source
from tests.sources.makers import make_clip, numbers, read_all

COUNT = 50


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    options = {"g": "10"}
    made = {s: make_clip(folder / f"a.{s}", COUNT, options=options) for s in ("mp4", "mkv", "ts")}
    made["other"] = make_clip(folder / "other.mkv", COUNT, codec="ffv1")
    made["joined"] = folder / "joined.ts"
    made["joined"].write_bytes(made["ts"].read_bytes() * 2)
    return made


def playing(clips, name, tmp_path):
    """Return a copy of a clip and the source that has shown ten frames of it."""
    path = tmp_path / clips[name].name
    shutil.copy(clips[name], path)
    source = open_source(str(path))
    assert numbers([source.read() for _ in range(10)]) == list(range(10))
    return path, source


@pytest.mark.parametrize("name", ["mkv", "ts"])
def test_one_that_grows_is_played_to_its_new_end(clips, name, tmp_path):
    path, source = playing(clips, name, tmp_path)
    with path.open("ab") as file:
        file.write(clips[name].read_bytes())
    assert numbers(read_all(source)) == [*range(10, COUNT), *range(COUNT)]
    source.seek(0.0)
    assert numbers([source.read()]) == [0]
    source.close()


@pytest.mark.parametrize("name", ["mp4", "mkv"])
def test_one_that_is_deleted_plays_on(clips, name, tmp_path):
    path, source = playing(clips, name, tmp_path)
    path.unlink()
    assert numbers(read_all(source)) == list(range(10, COUNT))
    source.seek(0.4)
    assert numbers([source.read()]) == [10]
    source.close()


def other_file(path, clips):
    new = path.with_suffix(".new")
    shutil.copy(clips["other"], new)
    new.replace(path)


def folder(path, _clips):
    path.unlink()
    path.mkdir()


def pipe(path, _clips):
    """Opening it would wait for somebody to write."""
    path.unlink()
    os.mkfifo(path)


@pytest.mark.skipif(os.name != "posix", reason="open files cannot be replaced elsewhere")
@pytest.mark.parametrize("replace", [other_file, folder, pipe])
def test_one_that_is_replaced_is_told_when_it_must_be_opened_again(clips, replace, tmp_path):
    path, source = playing(clips, "joined", tmp_path)
    replace(path, clips)
    assert numbers(read_all(source)) == [*range(10, COUNT), *range(COUNT)]
    for _ in range(2):
        with pytest.raises(SourceError, match="was replaced by another file while it was open"):
            source.seek(0.0)
    source.close()


NOISE = random.Random(7).randbytes(20_000)


@pytest.mark.parametrize("content", [b"", NOISE], ids=["empty", "noise"])
def test_one_that_is_overwritten_is_told(clips, content, tmp_path):
    path, source = playing(clips, "joined", tmp_path)
    path.write_bytes(content)
    read_all(source)
    for _ in range(2):
        with pytest.raises(SourceError, match="is no video that can be read here"):
            source.seek(0.0)
    source.close()


def test_another_video_written_over_it_is_told(clips, tmp_path):
    path, source = playing(clips, "joined", tmp_path)
    path.write_bytes(clips["other"].read_bytes())
    read_all(source)
    with pytest.raises(SourceError, match="was replaced"):
        source.seek(0.0)
    source.close()


def test_an_inode_that_changes_by_itself_is_no_other_file(clips, tmp_path, monkeypatch):
    """Some network file systems number files anew at each look."""
    path, source = playing(clips, "joined", tmp_path)
    copy = tmp_path / "copy.ts"
    shutil.copy2(path, copy)
    copy.replace(path)  # another inode; the same size and time
    read_all(source)
    source.seek(0.0)
    assert numbers([source.read()]) == [0]
    source.close()
