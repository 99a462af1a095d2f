"""The lab's figures in words: signs, savings, remaining time, text to copy. Knows no Qt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rfviewer.experiment import (
    AbRequest,
    AbResult,
    CeilingsRequest,
    CeilingsResult,
    Effect,
    Interval,
    LabRequest,
    ParityRequest,
    WaterfallRequest,
    WaterfallResult,
)
from rfviewer.frames_text import frames_text
from rfviewer.gui.text import DASH, fps_text, ms_text
from rfviewer.lab.describe import PAIRED
from rfviewer.optimizations import Optimizations, toggle_names, toggle_of

type Outcome = Literal["good", "bad", "none"]
"""Whether a difference is a gain, a loss or not larger than the noise."""

MARKS: dict[Outcome, str] = {"good": "\N{BLACK DOWN-POINTING TRIANGLE}", "bad": "\N{BLACK DIAMOND}",
                             "none": "\N{WHITE CIRCLE}"}  # fmt: skip
"""A shape for each outcome, so that it never rests on colour alone."""
WORDS: dict[Outcome, str] = {"good": "better", "bad": "worse", "none": "no effect"}
_MINUS = "\N{MINUS SIGN}"
UNSURE = "not sure"
SMALLEST_SHARE = 0.01
"""Differences below this share are of no interest, however sure they are."""


@dataclass(frozen=True, slots=True)
class ToggleEffect:
    """What switching one toggle on was measured to do."""

    text: str
    """A few words, e.g. "saves 0.41 ms"."""
    outcome: Outcome
    detail: str
    """One sentence with interval and context."""


def outcome_of(effect: Effect) -> Outcome:
    """Return whether B is better than A: less time, or more frames."""
    if not effect.significant:
        return "none"
    return "good" if (effect.difference < 0) == (effect.unit == "ms") else "bad"


def word_of(effect: Effect) -> str:
    """Return the outcome in a word; "not sure" where more rounds might tell."""
    outcome = outcome_of(effect)
    large = abs(effect.difference) > SMALLEST_SHARE * abs(effect.a)
    if outcome == "none" and effect.interval.excludes_zero and large:
        return UNSURE
    return WORDS[outcome]


def is_unsure(result: AbResult) -> bool:
    """Whether differences stand out that too few rounds could not tell from chance."""
    every = (*result.stages, result.throughput)
    return not result.effect and any(word_of(effect) == UNSURE for effect in every)


def compact_notes(notes: Sequence[str]) -> list[str]:
    """Return the notes with those of toggles that cannot run here as one line."""
    mark, kept, idle = " makes no difference here: ", [], dict[str, list[str]]()
    for note in notes:
        name, found, reason = note.partition(mark)
        if found:
            idle.setdefault(reason.rstrip("."), []).append(name)
        else:
            kept.append(note)
    return kept + [
        f"No difference here ({reason}): {', '.join(names)}." for reason, names in idle.items()
    ]


def figure_text(value: float, unit: str) -> str:
    """Return `value` without sign, with the precision that fits its size."""
    if unit == "fps":
        return fps_text(abs(value))
    return f"{abs(value):.3f}" if abs(value) < 0.0995 else ms_text(abs(value))


def signed_text(value: float, unit: str) -> str:
    """Return `value` with a plus or a true minus sign."""
    figure = figure_text(value, unit)
    if not float(figure):
        return figure
    return f"{_MINUS if value < 0 else '+'}{figure}"


def interval_text(interval: Interval, unit: str) -> str:
    """Return "-0.44 … -0.38" with signs."""
    low, high = signed_text(interval.low, unit), signed_text(interval.high, unit)
    return f"{low} \N{HORIZONTAL ELLIPSIS} {high}"


def saving_text(difference_ms: float, *, significant: bool) -> str:
    """Return "saves 0.41 ms", "costs 0.41 ms" or "no effect"."""
    if not significant:
        return WORDS["none"]
    verb = "saves" if difference_ms < 0 else "costs"
    return f"{verb} {figure_text(difference_ms, 'ms')} ms"


def percent_text(a: float, b: float) -> str:
    """Return the change from `a` to `b` in percent, with its sign."""
    if a <= 0:
        return DASH
    change = round((b / a - 1) * 100)
    return f"{_MINUS if change < 0 else '+' if change > 0 else ''}{abs(change)} %"


def differing(a: Optimizations, b: Optimizations) -> list[str]:
    """Return the names of the toggles that differ, in display order."""
    return [name for name in toggle_names() if getattr(a, name) != getattr(b, name)]


def configuration_name(value: Optimizations, current: Optimizations) -> str:
    """Return what a set is called: baseline, all on, as set now, or how it differs from that."""
    if value == current:
        return "As set now"
    if value == Optimizations.baseline():
        return "Baseline"
    if value == Optimizations():
        return "All on"
    names = differing(value, current)
    if len(names) == 1:
        name, wanted = names[0], getattr(value, names[0])
        if isinstance(wanted, bool):
            return f"{'With' if wanted else 'Without'} {toggle_of(name).label}"
        return f"{toggle_of(name).label} {wanted}"
    return f"{len(names)} differ from now"


def blocks_text(result: AbResult) -> str:
    """Return how much was measured of each side."""
    return f"{result.blocks} blocks of {frames_text(result.frames)} each"


def effect_of_toggle(result: AbResult) -> tuple[str, ToggleEffect] | None:
    """Return the one toggle that an A/B result is about with its effect when on; else None."""
    names = differing(result.a, result.b)
    if len(names) != 1:
        return None
    name = names[0]
    turned = 1 if int(getattr(result.b, name)) > int(getattr(result.a, name)) else -1
    detail = f"{result.verdict} ({blocks_text(result)})"
    if not result.effect:
        word = UNSURE if is_unsure(result) else WORDS["none"]
        return name, ToggleEffect(word, "none", detail)
    times = [effect for effect in result.stages if effect.significant and effect.unit == "ms"]
    whole = [effect for effect in times if effect.quantity in {"frame time", "latency"}]
    rate = result.throughput
    if rate.significant and (toggle_of(name).choices or not times):
        paired = rate.a, rate.a + rate.difference  # as in the verdict; medians may differ by more
        a, b = paired if turned > 0 else paired[::-1]
        outcome: Outcome = "good" if b > a else "bad"
        return name, ToggleEffect(f"{percent_text(a, b)} fps", outcome, detail)
    if not times:
        return name, ToggleEffect(WORDS["none"], "none", detail)
    main = max(whole or times, key=lambda effect: abs(effect.difference))
    by = main.difference * turned
    text = saving_text(by, significant=True)
    return name, ToggleEffect(text, "good" if by < 0 else "bad", detail)


def effects_of_waterfall(result: WaterfallResult) -> dict[str, ToggleEffect]:
    """Return for each toggle what it saves beside all others of the target."""
    effects = {}
    for step in result.steps:
        gain = step.removed  # the target without it, against the target: what is lost is saved
        by = -gain.difference
        outcome: Outcome = "none" if not gain.significant else "good" if by < 0 else "bad"
        detail = (
            f"Beside all others: {saving_text(by, significant=gain.significant)} per frame; "
            f"alone: {saving_text(step.alone.difference, significant=step.alone.significant)}"
        )
        effects[step.name] = ToggleEffect(
            saving_text(by, significant=gain.significant), outcome, detail
        )
    return effects


def request_title(request: LabRequest) -> str:
    """Return what is measured, in a few words."""
    if isinstance(request, AbRequest):
        names = differing(request.a, request.b)
        return f"Measuring {toggle_of(names[0]).label if len(names) == 1 else 'A against B'}"
    titles = {
        WaterfallRequest: "Measuring every toggle",
        CeilingsRequest: "Measuring the ceilings",
        ParityRequest: "Comparing the detections",
    }
    return titles[type(request)]


def remaining_text(seconds: float | None) -> str:
    """Return "at most about 12 s left", or nothing while that is unknown."""
    if seconds is None:
        return ""
    if seconds < 1.5:
        return "almost done"
    if seconds < 90:
        return f"at most about {seconds:.0f} s left"
    return f"at most about {seconds / 60:.0f} min left"


def _effect_line(effect: Effect) -> str:
    return (
        f"{effect.quantity:<14} {figure_text(effect.a, effect.unit):>9} "
        f"{figure_text(effect.b, effect.unit):>9} {signed_text(effect.difference, effect.unit):>9} "
        f" [{interval_text(effect.interval, effect.unit)}] {effect.unit} "
        f" {word_of(effect)}"
    )


def ab_report(result: AbResult, command: str) -> str:
    """Return an A/B result as text to paste."""
    head = f"{'':<14} {'A':>9} {'B':>9} {'B - A':>9}  95 % interval"
    lines = [result.verdict, "", head]
    lines += [_effect_line(effect) for effect in (*result.stages, result.throughput)]
    lines.append(
        f"{result.blocks} blocks of {frames_text(result.frames)}, {result.excluded} excluded"
    )
    lines += [*result.notes, f"{PAIRED}."]
    return "\n".join([*lines, "", command])


def waterfall_report(result: WaterfallResult, ceilings: CeilingsResult | None, command: str) -> str:
    """Return a waterfall as text to paste."""
    lines = [result.verdict, "", f"{'':<28} {'cumulative':>10} {'alone':>10} {'removed':>10}  ms"]
    lines += [
        f"{toggle_of(step.name).label:<28} {signed_text(step.cumulative.difference, 'ms'):>10} "
        f"{signed_text(step.alone.difference, 'ms'):>10} "
        f"{signed_text(step.removed.difference, 'ms'):>10}"
        for step in result.steps
    ]
    lines.append(f"{'whole':<28} {signed_text(result.whole.difference, 'ms'):>10}")
    lines.append(
        f"{'interaction':<28} {signed_text(result.interaction, 'ms'):>10}  "
        f"[{interval_text(result.interaction_interval, 'ms')}]"
    )
    lines += result.notes
    if ceilings is not None:
        lines += ["", ceilings.verdict]
        lines += [
            f"{item.name:<28} {fps_text(item.fps):>10} fps {item.reason}".rstrip()
            for item in ceilings.ceilings
        ]
    return "\n".join([*lines, "", command])
