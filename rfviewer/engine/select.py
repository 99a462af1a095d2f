"""Which (query, class) pairs become detections, and in which order. Needs numpy only.

All Q * C pairs compete, so a query may appear with several classes. Order: score descending, then
flat index `query * C + class` ascending; at most K pairs; `score > threshold`, strictly, compared
in the sigmoid domain (a comparison of logits differs by an ulp at the cut).

Source: rfdetr 1.11.2, `PostProcess.forward`.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rfviewer.models.spec import F32Array


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """N selected pairs in their final order."""

    queries: NDArray[np.intp]
    """(N,) query index, 0..Q-1."""
    class_ids: NDArray[np.int32]
    """(N,) class index, 0..C-1."""
    scores: F32Array
    """(N,) sigmoid scores."""

    def __len__(self) -> int:
        return len(self.scores)

    def keep(self, mask: NDArray[np.bool_]) -> Self:
        """Return the pairs for which `mask` (N,) holds."""
        return type(self)(self.queries[mask], self.class_ids[mask], self.scores[mask])


def sigmoid(logits: F32Array) -> F32Array:
    """Return `1 / (1 + exp(-x))` in fp32, elementwise."""
    with np.errstate(over="ignore"):  # exp(-x) = inf gives the right score: 0
        result: F32Array = np.float32(1) / (np.float32(1) + np.exp(-logits))
    return result


def rank_all(pred_logits: F32Array, num_select: int) -> Selection:
    """Return the best `num_select` pairs of (Q, C) logits, whatever their score: a full sort."""
    scores = sigmoid(pred_logits).ravel()
    best = np.argsort(-scores, kind="stable")[:num_select]
    return _selection(best, scores, pred_logits.shape[1])


def select(
    pred_logits: F32Array, threshold: float, num_select: int, *, fused: bool = True
) -> Selection:
    """Return the pairs of (Q, C) logits with `score > threshold`, at most `num_select`.

    `fused` filters first and sorts the survivors; otherwise everything is sorted, then filtered.
    Both give the same pairs: a pair within the best K stays within the best K of the survivors.
    """
    cut = np.float32(threshold)
    if not fused:
        ranked = rank_all(pred_logits, num_select)
        return ranked.keep(ranked.scores > cut)
    scores = sigmoid(pred_logits).ravel()
    survivors = np.flatnonzero(scores > cut)  # ascending, so a stable sort keeps ties in order
    order = np.argsort(-scores[survivors], kind="stable")[:num_select]
    return _selection(survivors[order], scores, pred_logits.shape[1])


def _selection(flat: NDArray[np.intp], scores: F32Array, classes: int) -> Selection:
    queries, class_ids = np.divmod(flat, classes)
    return Selection(queries, class_ids.astype(np.int32), scores[flat])
