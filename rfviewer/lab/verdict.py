"""What came out, in words."""

import math
from collections.abc import Sequence

from rfviewer.experiment import Effect, Interval, WaterfallStep
from rfviewer.lab.stand import LATENCY
from rfviewer.lab.statistics import MIN_RATIO
from rfviewer.optimizations import toggle_of
from rfviewer.result import ToggleState

NAMED_SHARE = 0.1
"""A stage is named from this share of the largest change on."""

COARSE = 0.05
"""An effect that could be larger than this share, and is not named, is told of."""


def too_few_rounds(counted: int, needed: int) -> str:
    """Return that no effect can be told from chance; empty where one could be."""
    if counted >= needed:
        return ""
    rounds = f"{counted} round{'s' * (counted != 1)}"
    return f"too few rounds to tell: {rounds} counted, at least {needed} can tell any effect"


def rounds_to_ask_for(missing: int, rounds: int, verb: str = "ab") -> tuple[str, ...]:
    """Return how to get the rounds that were missing, as a note; none where none were."""
    if missing <= 0:
        return ()
    more = "One more round" if missing == 1 else f"{missing} more rounds"
    return (f"{more} could have told; `rfviewer {verb} --rounds {rounds}` asks for enough.",)


def ab_verdict(
    stages: Sequence[Effect],
    throughput: Effect,
    *,
    stages_lack: str = "",
    throughput_lacks: str = "",
) -> tuple[str, bool]:
    """Return the verdict on B against A, and whether there is any effect.

    Args:
        stages: stage times, then latency.
        throughput: frames per second.
        stages_lack: why the rounds of the stages can name no effect (`too_few_rounds`), or empty.
        throughput_lacks: the same for the throughput.
    """
    found = [effect for effect in stages if effect.significant and effect.quantity != LATENCY]
    found.sort(key=lambda effect: -abs(effect.difference))
    largest = max((abs(effect.difference) for effect in found), default=0.0)
    # A stage that works longer disturbs its neighbours' caches: what is small beside it is no news.
    parts = [_stage_text(one) for one in found if abs(one.difference) >= NAMED_SHARE * largest]
    latency = [effect for effect in stages if effect.quantity == LATENCY and effect.significant]
    parts += [_stage_text(effect) for effect in latency if not found]
    floor = f"the noise (±{largest_change(throughput):.1f} %)"
    if throughput.significant:
        parts.append(f"fps {per_cent(share(throughput))}")
    elif parts:
        none = f"no effect on fps larger than {floor}"
        parts.append(f"fps: {throughput_lacks}" if throughput_lacks else none)
    if parts:
        return "; ".join(parts), True
    if stages_lack or throughput_lacks:
        return stages_lack or throughput_lacks, False
    coarse = _coarse(stages, stages[-1].a)
    wide = [f"of {one.quantity} ±{largest_change(one):.0f} %" for one in coarse[:1]]
    noise = ", ".join([f"±{largest_change(throughput):.1f} %", *wide])
    return f"no effect larger than the noise ({noise})", False


def _coarse(effects: Sequence[Effect], typical_ms: float) -> list[Effect]:
    """Return what could hide an effect of interest, the widest first.

    Left out is what cannot matter in a frame of `typical_ms`.
    """
    found = [
        one
        for one in effects
        if not one.significant
        and largest_change(one) > 100 * COARSE
        and (one.unit != "ms" or largest_change(one) * one.a > 100 * MIN_RATIO * typical_ms)
    ]
    return sorted(found, key=largest_change, reverse=True)


def unsure(effect: Effect) -> bool:
    """Whether an effect that is not called one would matter if it were true."""
    return abs(share(effect)) > 100 * MIN_RATIO


def open_questions(effects: Sequence[Effect], *, typical_ms: float) -> list[str]:
    """Return what the rounds leave open, in sentences.

    Args:
        effects: stage times, latency and throughput.
        typical_ms: duration of a frame: what cannot matter beside it is left out.
    """
    open_ones = [one for one in effects if not one.significant]
    maybe = [
        f"{one.quantity} may differ ({one.difference:+.3g} {one.unit}), but too few rounds"
        " agree to call it an effect; a quieter machine or more --rounds would tell."
        for one in open_ones
        if one.interval.excludes_zero and unsure(one)
    ]
    hidden = [
        f"{one.quantity} {largest_change(one):.0f} %"
        for one in _coarse(effects, typical_ms)
        if not one.interval.excludes_zero
    ]
    if hidden:
        maybe.append(f"Too noisy to show effects smaller than these: {', '.join(hidden)}.")
    return maybe


def share(effect: Effect) -> float:
    """Return the difference in per cent of A."""
    return 100 * effect.difference / effect.a if effect.a else 0.0


def per_cent(value: float) -> str:
    """Return e.g. "+12 %" or "-0.8 %"."""
    return f"{value:+.0f} %" if abs(value) >= 10 else f"{value:+.1f} %"


def largest_change(effect: Effect) -> float:
    """Return the largest change that the interval leaves possible, in per cent of A."""
    bounds = (effect.interval.low, effect.interval.high)
    return 100 * max(map(abs, bounds)) / effect.a if effect.a else 0.0


def with_width(value: float, interval: Interval) -> str:
    """Return e.g. "0.41 ms ± 0.03": one digit of the half width, and as many of the value."""
    width = (interval.high - interval.low) / 2
    digits = min(4, max(0, -math.floor(math.log10(width)))) if width > 0 else 4
    rounded = round(value, digits) + 0.0  # no "-0"
    return f"{rounded:.{digits}f} ms ± {width:.{digits}f}"


def _stage_text(effect: Effect) -> str:
    verb = "saves" if effect.difference < 0 else "costs"
    return f"{verb} {with_width(abs(effect.difference), effect.interval)} of {effect.quantity}"


STAGES_APART = (
    "A and B time their stages in different ways, so compare frame times and rates, not stages."
)


def toggle_notes(a: Sequence[ToggleState], b: Sequence[ToggleState]) -> tuple[str, ...]:
    """Return what the reader must know about the toggles that A and B ask for."""
    notes, apart = [], False
    for of_a, of_b in zip(a, b, strict=True):
        asked = of_a.requested != of_b.requested
        if asked and of_a.effective == of_b.effective:
            reason = of_b.reason or of_a.reason
            notes.append(f"{of_a.name} makes no difference here: {reason}.")
        elif asked and (of_a.reason or of_b.reason):
            side, state = ("A", of_a) if of_a.reason else ("B", of_b)
            notes.append(f"{of_a.name} is {state.effective} under {side}: {state.reason}.")
        elif asked:
            apart |= toggle_of(of_a.name).retimes_stages
    if apart:
        notes.append(STAGES_APART)
    if all(x.effective == y.effective for x, y in zip(a, b, strict=True)):
        notes.append("A and B are the same here, so this run shows the noise.")
    return tuple(notes)


def waterfall_verdict(
    whole: Effect,
    steps: Sequence[WaterfallStep],
    interaction: float,
    interaction_interval: Interval,
    gap: Interval,
) -> str:
    """Return what the toggles bring together, which matter, and whether the parts add up.

    Args:
        whole: target against baseline, frame time.
        steps: the parts.
        interaction: whole minus the sum of the parts measured alone, in ms.
        interaction_interval: of the same.
        gap: interval of whole minus the parts one after another, in ms.
    """
    change = f"{with_width(abs(whole.difference), whole.interval)} of {whole.a:.1f} ms a frame"
    saved = f"together they {'save' if whole.difference < 0 else 'cost'} {change}"
    if not whole.significant:
        saved = f"together no effect larger than the noise (±{largest_change(whole):.1f} %)"
    telling = [step for step in steps if step.cumulative.significant]
    telling.sort(key=lambda step: step.cumulative.difference)
    named = [f"{step.name} {step.cumulative.difference:+.2f} ms" for step in telling]
    parts = f"in turn {', '.join(named)}" if named else "no single part stands out in turn"
    if gap.excludes_zero:
        sums = f"the parts in turn miss the whole by {_middle(gap)}"
    else:
        sums = "the parts in turn add up to the whole within the intervals"
    alone = with_width(interaction, interaction_interval)
    if interaction_interval.excludes_zero:
        apart = f"alone they do not: {alone} is interaction"
    else:
        apart = f"interaction of the parts alone {alone}, none that shows"
    return "; ".join((saved, parts, sums, apart))


def _middle(interval: Interval) -> str:
    return with_width((interval.low + interval.high) / 2, interval)
