"""The soak's arithmetic, and one short real run in two processes."""

import json

import pytest

from rfviewer import soak
from rfviewer.cli import main
from rfviewer.soak_meter import Fifths, growth, slope
from tests.cli.stopping import stop_of


def test_slope_and_growth() -> None:
    assert slope([(0, 1), (1, 3), (2, 5)]) == pytest.approx(2)
    assert slope([(0, 1), (1, 3)]) is None
    assert growth([]) is None
    assert growth([5, 9, 5, 5, 5, 5, 5, 5, 5, 6]) == 0
    assert growth([3]) == 0
    assert growth([1] * 10 + [2] * 10) == 1


def test_fifths_leave_the_warm_up_out_and_know_the_99th_percentile() -> None:
    fifths = Fifths(10, 60)
    fifths.add(9, [1e6] * 100)
    for second in range(10, 60):
        fifths.add(second, [20.0] * 98 + [40.0 if second < 50 else 80.0] * 2)
    first, *_, last = fifths.p99()
    assert first == pytest.approx(40, rel=0.011)
    assert last == pytest.approx(80, rel=0.011)
    assert fifths.ratio() == pytest.approx(2, rel=0.02)


def test_microseconds_are_not_judged() -> None:
    fifths = Fifths(0, 10)
    for second in range(10):
        fifths.add(second, [0.01])
    assert fifths.ratio() is None


@pytest.mark.parametrize(
    ("value", "judged", "verdict"),
    [(0.9, True, "ok"), (1.1, True, "exceeded"), (1.1, False, "not judged"),
     (None, True, "not measured")],
)  # fmt: skip
def test_verdicts(value, judged, verdict) -> None:
    assert soak._judge("rss_mb_per_10_min", value, judged=judged).verdict == verdict


def test_a_short_run_plays_and_reports(capsys) -> None:
    arguments = ["soak", "synthetic:64x48@30", "--model", "none", "--minutes", "0.1", "--json"]
    code = main(arguments)
    report = json.loads(capsys.readouterr().out)
    figures = {figure["name"]: figure for figure in report["figures"]}
    assert set(figures) == set(soak.LIMITS) - {"rss_mb_per_100_cycles"}
    assert report["frames"] > 10
    assert report["last"]["rss_bytes"] > 50e6, "two processes"
    assert report["last"]["threads"] >= 5
    assert figures["rss_mb_per_10_min"]["verdict"] == "not judged"
    assert code == (0 if report["ok"] else 1)


def test_opening_again_and_again_leaves_nothing_behind(capsys, monkeypatch) -> None:
    monkeypatch.setattr(soak, "SETTLE_S", 60.0)  # for a machine that is busy; a leak never goes
    main(["soak", "demo", "--model", "none", "--cycles", "12", "--json"])
    report = json.loads(capsys.readouterr().out)
    figures = {figure["name"]: figure for figure in report["figures"]}
    assert figures["open_files"]["verdict"] == "ok"
    assert figures["threads"]["verdict"] == "ok"
    assert figures["shared_memory_mb"]["verdict"] == "ok"


def test_a_source_that_is_not_there_is_one_sentence(capsys) -> None:
    assert main(["soak", "/nowhere.mp4", "--model", "none", "--minutes", "0.05", "--json"]) == 1
    assert "/nowhere.mp4" in json.loads(capsys.readouterr().out)["error"]


def test_a_source_that_never_shows_a_frame_is_no_success(capsys) -> None:
    source = "rtsp://me:geheim@127.0.0.1:9/x"
    assert main(["soak", source, "--model", "none", "--minutes", "0.03", "--json"]) == 1
    captured = capsys.readouterr()
    assert "rtsp://127.0.0.1:9/x showed nothing in 2 s" in json.loads(captured.out)["error"]
    assert "geheim" not in captured.out + captured.err


def test_stopped_before_the_end_it_is_no_success(capsys, monkeypatch) -> None:
    stop = stop_of(monkeypatch, soak)

    def teller(*, quiet):
        return lambda text: stop.set()

    monkeypatch.setattr(soak, "step_teller", teller)
    arguments = ["soak", "synthetic:64x48@30", "--model", "none", "--minutes", "60", "--json"]
    assert main(arguments) == 1
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert report["stopped"]
    assert not report["ok"]
    assert "Stopped before the end" in captured.err
