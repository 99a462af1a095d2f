"""Any settings file is understood, or refused in one sentence."""

import pickle
import re
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfviewer.config import read_user_config, settings_from
from rfviewer.errors import UsageError
from rfviewer.optimizations import Optimizations, toggle_names

WORDS = st.sampled_from(
    ["engine", "optimizations", "view", "playback", "threshold", "opacity", "model", "backend",
     "depth", "policy", "resize", "hidden_class_ids", "rate", "split", *toggle_names()]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(WORDS | st.text(max_size=5), VALUES, max_size=4))
def test_any_table_gives_settings_or_one_sentence(table):
    refusal, settings = "", None
    try:
        settings = settings_from(table, "The file")
    except UsageError as error:
        refusal = str(error)
    if settings is None:
        assert refusal.endswith(".")
        assert "\n" not in refusal
        return
    assert pickle.loads(pickle.dumps(settings)) == settings
    for part in (settings.engine, settings.view, settings.playback, settings.optimizations):
        for spec in fields(part):
            default = getattr(type(part)(), spec.name)
            if default is not None and spec.name not in ("rate", "split"):
                assert type(getattr(part, spec.name)) is type(default), spec.name


@given(st.binary(max_size=200))
def test_any_bytes_are_a_settings_file_or_one_sentence(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("config") / "config.toml"
    path.write_bytes(data)
    refusal = str(path)
    try:
        settings_from(read_user_config(path), str(path))
    except UsageError as error:
        refusal = str(error)
    assert str(path) in refusal


@given(st.sampled_from(toggle_names()), st.text(max_size=6) | st.booleans() | st.integers())
def test_any_value_of_a_toggle_is_taken_or_refused(name, value):
    refusal, taken = name, value
    try:
        taken = getattr(Optimizations().set(name, value), name)
    except UsageError as error:
        refusal = str(error)
    assert name in refusal
    assert taken == value or isinstance(value, str) or int(taken) == int(value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"view": {"masks": "no"}}, "view: masks cannot be 'no'"),
        ({"engine": {"precision": "fp13"}}, "engine: precision cannot be 'fp13'"),
        ({"engine": {"threads": 1.5}}, "engine: threads cannot be 1.5"),
        ({"playback": {"loop": 3}}, "playback: loop cannot be 3"),
        ({"view": {"opacity": True}}, "view: opacity cannot be True"),
        ({"view": {"opacity": float("nan")}}, "view: opacity cannot be nan"),
        ({"optimizations": {"depth": 2.7}}, "optimizations: depth takes"),
        ({"view": {"hidden_class_ids": ["1"]}}, "view: hidden_class_ids cannot be"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(table, words):
    with pytest.raises(UsageError, match=re.escape(words)):
        settings_from(table, "The file")
