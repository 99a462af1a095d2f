"""Maximum, mean and quantiles of a stream of numbers, in bounded memory."""

import numpy as np
from numpy.typing import NDArray

_CAPACITY = 65_536


class Spread:
    """Exact for 65,536 numbers; beyond, quantiles are those of every 2nd, 4th, … number."""

    def __init__(self) -> None:
        self._kept: list[NDArray[np.float64]] = []
        self._kept_count = 0
        self._stride, self._phase = 1, 0
        self._count, self._sum = 0, 0.0
        self._low, self._high = np.inf, -np.inf

    def add(self, values: NDArray[np.float64]) -> None:
        """Take more numbers, (N,)."""
        if not len(values):
            return
        self._count += len(values)
        self._sum += float(values.sum())
        self._low = min(self._low, float(values.min()))
        self._high = max(self._high, float(values.max()))
        chosen = values[self._phase :: self._stride]
        self._phase = (self._phase - len(values)) % self._stride
        self._kept.append(chosen)
        self._kept_count += len(chosen)
        if self._kept_count > _CAPACITY:
            self._kept = [np.concatenate(self._kept)[::2]]
            self._kept_count = len(self._kept[0])
            self._stride *= 2

    @property
    def largest(self) -> float:
        """Maximum; 0 without numbers."""
        return self._high if self._count else 0.0

    @property
    def least(self) -> float | None:
        """Minimum; None without numbers."""
        return self._low if self._count else None

    @property
    def mean(self) -> float | None:
        """Mean; None without numbers."""
        return self._sum / self._count if self._count else None

    def quantile(self, share: float) -> float:
        """Return the `share` (0..1) quantile, interpolated; 0 without numbers."""
        if not self._count:
            return 0.0
        if len(self._kept) > 1:
            self._kept = [np.concatenate(self._kept)]
        return float(np.quantile(self._kept[0], share))
