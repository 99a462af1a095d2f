"""Arguments become settings; nothing heavy is imported on the way."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rfviewer import argument_settings, cli
from rfviewer.config import Policy, ResizeMode, Settings
from rfviewer.decode import Decode
from rfviewer.errors import SettingsError, UsageError
from rfviewer.exporting import batch_playback
from rfviewer.optimizations import Optimizations

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_user_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the user's config folder at an empty one."""
    monkeypatch.setattr(argument_settings, "config_file", tmp_path.joinpath)
    return tmp_path


def settings_of(*arguments: str) -> Settings:
    verb, rest = cli._split(list(arguments))
    return argument_settings.settings_of(cli._parser(verb).parse_args(rest))


def test_nothing_said_is_the_default() -> None:
    assert settings_of("demo") == Settings()


def test_engine_and_view_options() -> None:
    words = "export a.mp4 -o b.mp4 --model none --backend onnxruntime --precision fp32"
    settings = settings_of(*words.split(), "--threshold", "0.3", "--resize", "B", "--threads", "1")
    assert settings.engine.model == "none"
    assert settings.engine.backend == "onnxruntime"
    assert settings.engine.precision == "fp32"
    assert settings.engine.resize is ResizeMode.B
    assert settings.engine.threads == 1
    assert settings.view.threshold == 0.3


def test_optimizations_stand_apart_or_with_commas() -> None:
    wanted = Optimizations.baseline().set("depth", 3).set("roi_masks", "on")
    apart, joined = "all=off depth=3 roi_masks=on", "all=off,depth=3,roi_masks=on"
    for words in (apart, joined, "all=off, depth=3 --set roi_masks=on"):
        assert settings_of("demo", "--set", *words.split()).optimizations == wanted


def test_playback_options() -> None:
    words = "export a.mp4 -o b.mp4 --start 1.5 --end 3 --frames 7"
    playback = settings_of(*words.split()).playback
    assert (playback.start_s, playback.end_s, playback.max_frames) == (1.5, 3.0, 7)
    playback = settings_of("demo", "--loop", "--policy", "keep-pace").playback
    assert playback.loop
    assert playback.policy is Policy.KEEP_PACE


def test_decoder_options() -> None:
    assert settings_of("demo").playback.decode is Decode.AUTO
    assert settings_of("demo", "--decode", "gpu").playback.decode is Decode.GPU
    assert settings_of("export", "a", "-o", "b", "--decode", "cpu").playback.decode is Decode.CPU


def test_files_are_made_on_the_cpu_unless_the_gpu_is_named() -> None:
    for asked, used in (("auto", Decode.CPU), ("cpu", Decode.CPU), ("gpu", Decode.GPU)):
        assert batch_playback(settings_of("demo", "--decode", asked).playback).decode is used


def test_the_decoder_may_stand_in_the_config_file(no_user_config: Path) -> None:
    (no_user_config / "config.toml").write_text('[playback]\ndecode = "gpu"\n')
    assert settings_of("demo").playback.decode is Decode.GPU
    assert settings_of("demo", "--decode", "auto").playback.decode is Decode.AUTO


def test_optimizations_one_by_one_and_all_off() -> None:
    settings = settings_of("demo", "--set", "depth=3", "roi_masks=off", "--set", "cuda_graph=off")
    assert settings.optimizations == Optimizations(depth=3, roi_masks=False, cuda_graph=False)
    settings = settings_of("demo", "--set", "all=off", "packed_masks=on")
    assert settings.optimizations == Optimizations.baseline().set("packed_masks", "on")


def test_command_line_wins_over_the_config_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[engine]\nmodel = "none"\n[view]\nthreshold = 0.2\nmasks = false\n')
    settings = settings_of("demo", "--config", str(file), "--threshold", "0.9")
    assert settings.engine.model == "none"
    assert settings.view.threshold == 0.9
    assert not settings.view.masks


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[optimizations]\ndepth = 77\n", "optimizations: depth must be one of 1, 2, 3, 4, got 77"),
        ("[playback]\nrate = -1\n", "playback: The speed must lie between 0 and 100"),
        ("[engine]\nmodel = 5\n", "engine: model cannot be 5"),
    ],
)
def test_a_wrong_value_of_the_config_file_is_not_taken_for_one_of_the_command_line(
    no_user_config: Path, text: str, sentence: str
) -> None:
    path = no_user_config / "config.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as told:
        settings_of("demo")
    assert f"{path}, {sentence}" in str(told.value)


def test_the_users_own_config_file_is_read(no_user_config: Path) -> None:
    (no_user_config / "config.toml").write_text('[engine]\nmodel = "none"\n')
    assert settings_of("demo").engine.model == "none"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["demo", "--set", "speed=on"], "There is no optimization speed; known are"),
        (["demo", "--set", "depth=9"], "depth must be one of 1, 2, 3, 4"),
        (["demo", "--set", "a.mp4"], "the source comes before --set"),
        (["demo", "--threads", "-1"], "threads must lie between 0 and 1024, got -1"),
        (["demo", "--threads", "99999"], "threads must lie between 0 and 1024"),
        (["demo", "--threshold", "2"], "threshold must lie between 0 and 1"),
        (["export", "demo", "--start", "3", "--end", "2"], "must lie after the start"),
    ],
)
def test_wrong_values_are_usage_errors(arguments: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        settings_of(*arguments)


@pytest.mark.parametrize(
    ("arguments", "verb", "rest"),
    [
        ([], "window", []),
        (["clip.mp4"], "window", ["clip.mp4"]),
        (["export", "a", "-o", "b"], "export", ["a", "-o", "b"]),
        (
            ["--verbose", "--config", "c", "bench", "a"],
            "bench",
            ["--verbose", "--config", "c", "a"],
        ),
        (["--json", "bench", "a"], "bench", ["--json", "a"]),
        (["./bench"], "window", ["./bench"]),
        (["clip.mp4", "export"], "window", ["clip.mp4", "export"]),
        (["--model", "export", "a"], "window", ["--model", "export", "a"]),
    ],
)
def test_verbs_come_first(arguments: list[str], verb: str, rest: list[str]) -> None:
    assert cli._split(arguments) == (verb, rest)


def test_the_window_gets_what_was_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import types

    seen: dict[str, Any] = {}

    def run_window(source: str | None, settings: Settings, **options: object) -> int:
        seen.update(source=source, settings=settings, **options)
        return 7

    app = types.ModuleType("rfviewer.app")
    app.run_window = run_window  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rfviewer.app", app)
    monkeypatch.setattr("rfviewer.log.setup", lambda *_, **__: None)
    monkeypatch.setattr(cli, "check_screen", lambda: None)
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"\0\0\0\x18ftypmp42")
    words = ["--in-process", "--quit-after", "6", "--screenshot", "out.png", "--theme", "dark"]
    assert cli.main([str(clip), *words]) == 7
    assert seen["source"] == str(clip)
    assert seen["in_process"] is True
    assert seen["quit_after_s"] == 6
    assert seen["screenshot"] == Path("out.png")
    assert seen["theme"] == "dark"
    assert cli.main([]) == 7
    assert seen["source"] is None


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, rfviewer.cli as c\ntry: c.main(['--help'])\nexcept SystemExit: pass\n"
    code += "print('heavy', *sorted({m.partition('.')[0] for m in sys.modules} & {'numpy', 'cv2',"
    code += " 'av', 'PySide6', 'onnxruntime', 'rich', 'torch', 'psutil'}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "heavy"
    assert "verbs (rfviewer VERB --help tells more" in done.stdout
    told = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert set(cli.VERBS) <= told


def test_safe_mode_ignores_the_settings_file_and_runs_on_the_cpu(no_user_config: Path) -> None:
    (no_user_config / "config.toml").write_text('[engine]\nmodel = "/broken.onnx"\n')
    settings = settings_of("demo", "--safe-mode")
    assert settings.engine.model == "demo"
    assert settings.engine.backend == "onnxruntime"
    assert not settings.optimizations.cuda_graph
    assert settings.optimizations.depth == 1
    assert settings_of("--safe-mode", "--model", "none").engine.model == "none"


@pytest.mark.parametrize("verb", ["window", "ab", "export"])
def test_the_help_lists_the_optimizations(verb: str) -> None:
    said = cli._parser(verb).format_help()
    assert all(name in said for name in Optimizations.__dataclass_fields__)
    assert "docs/TOGGLES.md" in said


@pytest.mark.parametrize("action", ["build", "list", "clear"])
def test_the_help_of_engine_actions_tells_of_json(
    action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["engine", action, "--help"])
    assert "print one JSON object on stdout" in capsys.readouterr().out


def test_a_file_named_like_a_verb_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exprt").touch()
    cli._refuse_unknown_word(["exprt"])
    (tmp_path / "exprt").unlink()
    with pytest.raises(UsageError, match="did you mean export"):
        cli._refuse_unknown_word(["exprt"])


@pytest.mark.parametrize(
    "words",
    [[], ["demo"], ["demo:720p"], ["0"], ["camera:0"], ["clip.mp4"], ["./clip"], ["rtsp://a/b"],
     ["shots/*.png"], ["--model", "none"], ["--verbose", "demo"]],
)  # fmt: skip
def test_what_may_be_a_source_is_left_to_the_window(words: list[str]) -> None:
    cli._refuse_unknown_word(words)


@pytest.mark.parametrize(
    "words",
    [["frobnicate", "--json"], ["--json", "frobnicate"], ["--verbose", "frobnicate", "--frames"]],
)
def test_an_unknown_word_is_blamed_before_any_option(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    assert "There is no file or verb frobnicate; see rfviewer --help" in capsys.readouterr().err
