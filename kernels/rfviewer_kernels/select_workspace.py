"""The scratch of one select."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class SelectWorkspace:
    """Scratch of one select in flight; never shared between streams."""

    tallies: torch.Tensor
    """(2,) int32: pairs that passed, and the flags of invalid outputs. Zero between two selects."""
    candidates: torch.Tensor
    """(Q * C,) int64, the keys of the pairs that passed, in no order."""
    firsts: torch.Tensor
    """(K,) int64, the key of each record that is the best of its query; 0 for others."""
    plane_queries: torch.Tensor
    """(K,) int32, the query behind each mask plane: what the mask kernel reads."""

    @classmethod
    def allocate(
        cls, queries: int, classes: int, max_records: int, device: torch.device
    ) -> "SelectWorkspace":
        """Return buffers for Q queries of C classes and K records."""
        return cls(
            torch.zeros(2, dtype=torch.int32, device=device),
            torch.zeros(queries * classes, dtype=torch.int64, device=device),
            torch.zeros(max_records, dtype=torch.int64, device=device),
            torch.zeros(max_records, dtype=torch.int32, device=device),
        )
