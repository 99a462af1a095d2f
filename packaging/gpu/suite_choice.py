"""The suite's proof in two halves: the network's choice of queries, and everything else.

The network keeps the tokens with the best scores, in that order, and each place in the order has a
learned query of its own. So a score that differs in its last bit can move a detection far, and no
tolerance for detections tells that from an error. Here both sides share the reference's choice and
are judged by the whole gate; how far the scores lie apart, which decide the choice, is told beside.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from suite_checks import outcome
from suite_parts import THRESHOLD, Bench, make_engine

from rfviewer.engine.backends.fused import transformer
from rfviewer.engine.cuda.engine import CudaEngine
from rfviewer.lab.gate import Gate
from rfviewer.lab.tolerance import tolerance_of
from rfviewer.optimizations import Optimizations
from rfviewer.timing import percentile
from rfviewer.toggle import Exactness

type Choose = Callable[[torch.Tensor, int], torch.Tensor]
"""From the scores of the tokens, (1, T), and how many to keep, to those kept, (1, K) int64."""

_TOP_TOKENS = transformer.top_tokens
_ONE_SLOT = Optimizations(depth=1, early_relaunch=False)
"""What a pass noted is that of the frame just collected."""
_PAIRS: dict[str, tuple[str, str, Optimizations, Exactness]] = {
    "fp16 against fp32": ("fp32", "fp16", _ONE_SLOT, Exactness.TOLERANCE),
    **{
        f"{precision}, {name} off": (
            precision,
            precision,
            replace(_ONE_SLOT, **{name: False}),
            promise,
        )
        for precision, promise in (
            ("fp32", Exactness.ROUNDING),
            ("fp16", Exactness.TOLERANCE),  # rounds each product anew
        )
        for name in ("fused_preprocess", "fused_constants")
    },
}
"""Precision of the reference and of the candidate, what the candidate runs with, the promise."""


@dataclass(slots=True)
class _Choice:
    """What a pass noted of its choice, on the device; the same memory for every pass."""

    scores: torch.Tensor | None = None
    """(1, tokens) fp32."""
    chosen: torch.Tensor | None = None
    """(1, queries) int64, as the pass itself would choose."""

    def note(self, scores: torch.Tensor, queries: int) -> torch.Tensor:
        """Return the choice; stands in for `top_tokens`."""
        chosen = _TOP_TOKENS(scores, queries)
        if self.scores is None or self.chosen is None:  # in the first pass, which no graph holds
            self.scores, self.chosen = scores.float().clone(), chosen.clone()
        self.scores.copy_(scores)
        self.chosen.copy_(chosen)
        return chosen

    def follow(self, told: "_Choice") -> Choose:
        """Return what stands in for `top_tokens` where the choice of `told` is taken over."""

        def choose(scores: torch.Tensor, queries: int) -> torch.Tensor:
            self.note(scores, queries)
            if told.chosen is None:
                raise RuntimeError("the reference has not run")
            return told.chosen

        return choose


def check_choice(bench: Bench) -> dict[str, object]:
    """Return, for each pair, what the gate says of results with one choice, and of the choices."""
    found: dict[str, object] = {}
    for name, (precision, other, wanted, exactness) in _PAIRS.items():
        start = time.perf_counter()
        first, second = _Choice(), _Choice()
        reference = _engine(bench, precision, _ONE_SLOT, first.note)
        candidate = _engine(bench, other, wanted, second.follow(first))
        found[name] = _compare(bench, (reference, candidate), (first, second), exactness)
        found[name] |= {"seconds": round(time.perf_counter() - start, 1)}
        print(name, json.dumps(found[name]), flush=True)
        reference.close()
        candidate.close()
    return found


def _engine(
    bench: Bench,
    precision: str,
    wanted: Optimizations,
    choose: Choose,
) -> CudaEngine:
    """Return an engine whose only slot is captured, with `choose` in it."""
    with _standing_in(choose):
        engine = make_engine(precision)
        engine.configure(wanted)
        engine.submit(bench.clip[0], THRESHOLD)
        engine.collect()
    return engine


@contextmanager
def _standing_in(choose: Choose) -> Iterator[None]:
    transformer.top_tokens = choose
    try:
        yield
    finally:
        transformer.top_tokens = _TOP_TOKENS


def _compare(
    bench: Bench,
    engines: tuple[CudaEngine, CudaEngine],
    choices: tuple[_Choice, _Choice],
    exactness: Exactness,
) -> dict[str, object]:
    gate = Gate(tolerance_of(exactness), THRESHOLD, class_names=engines[0].info.class_names)
    apart: list[float] = []
    moved: list[float] = []
    for frame in bench.clip:
        results = []
        for engine in engines:
            engine.submit(frame, gate.decode_threshold)
            results.append(engine.collect())
        gate.add(*results, frame)
        (scores, chosen), (others, would) = [(item.scores, item.chosen) for item in choices]
        if scores is None or chosen is None or others is None or would is None:
            raise RuntimeError("a pass did not choose")
        apart.append(float((scores - others).gather(1, chosen).abs().max()))
        moved.append(float((chosen != would).float().mean()))
    return outcome(gate.result()) | {
        "scores_apart_p50_max": [percentile(apart, 0.5), max(apart)],
        "places_of_the_order_that_differ": round(sum(moved) / len(moved), 5),
        "frames_whose_choice_differs": sum(share > 0 for share in moved),
    }
