"""Nested phases of the builder become one percentage that never falls."""

from rfviewer.engine.plans.network_builder import BuildProgress


def test_percentages_rise_and_inner_phases_count() -> None:
    told: list[str] = []
    progress = BuildProgress(lambda text: told.append(text) is None)
    seen = []
    progress.start("Building", None, 4)
    for outer in range(4):
        progress.start("Timing", "Building", 10)
        for inner in range(10):
            assert progress.step("Timing", inner)
            seen.append(progress.percent)
        progress.finish("Timing")
        progress.step("Building", outer)
        seen.append(progress.percent)
    assert seen == sorted(seen)
    assert seen[4] == 12  # half of the first quarter
    assert seen[-1] == 99  # the engine is not there yet
    assert told
    assert told[0].startswith("Building the engine: ")


def test_phases_that_were_never_announced_do_no_harm() -> None:
    progress = BuildProgress(lambda _: True)
    progress.finish("unknown")
    assert progress.step("unknown", 3)
    assert progress.percent == 0


def test_giving_up_reaches_the_builder() -> None:
    progress = BuildProgress(lambda _: False)
    progress.start("Building", None, 2)
    assert not progress.step("Building", 0)
