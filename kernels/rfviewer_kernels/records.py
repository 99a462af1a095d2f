"""The fixed-size result of one frame: counts, records and mask regions in one buffer.

One buffer, so that one small copy brings everything to the host without a wait for the count.

| words (int32)   | what |
|-----------------|------|
| 0               | count: valid records, at most K |
| 1               | passed: (query, class) pairs above the threshold, may exceed K |
| 2               | planes: distinct queries among the records |
| 3               | invalid: 0, or the sum of `INVALID_LOGITS`, `_BOXES`, `_MASKS` |
| 4               | streamed: bytes of the mask stream that `mask_stream` wrote |
| 5 to 7          | nothing, so that every record begins at a multiple of 32 bytes |
| 8 + 8 r ...     | record r: score f32, class i32, query i32, x1 y1 x2 y2 f32 px, plane i32 |
| 8 + 8 K + 4 p | region of plane p: x0 y0 x1 y1 i32 px, half-open; all 0 beyond `planes` |

Records are ordered by score descending, then flat index query * C + class ascending. Those beyond
`count` and regions beyond `planes` are zero, so equal frames give equal bytes. An empty mask has
x1 <= x0. Several classes of one query share a mask plane.
"""

from dataclasses import dataclass

import torch

HEADER_WORDS = 8
RECORD_WORDS = 8
REGION_WORDS = 4
STREAMED_WORD = 4
"""Of the header: bytes of the mask stream."""
INVALID_LOGITS, INVALID_BOXES, INVALID_MASKS = 1, 2, 4
"""Bits of word 3: which raw output holds NaN or infinity. Of the masks only those that are made are
looked at."""


@dataclass(frozen=True)
class Results:
    """Views into one int32 buffer. The same class describes its pinned host copy."""

    flat: torch.Tensor
    """(8 + 12 K,) int32: everything, for one copy."""
    max_records: int
    """K."""

    @classmethod
    def allocate(cls, max_records: int, device: torch.device, *, pinned: bool = False) -> "Results":
        """Return zeroed buffers for K records."""
        words = HEADER_WORDS + max_records * (RECORD_WORDS + REGION_WORDS)
        return cls(
            torch.zeros(words, dtype=torch.int32, device=device, pin_memory=pinned), max_records
        )

    @property
    def header(self) -> torch.Tensor:
        """(8,) int32: `counts`, streamed, and nothing."""
        return self.flat[:HEADER_WORDS]

    @property
    def counts(self) -> torch.Tensor:
        """(4,) int32: count, passed, planes, invalid."""
        return self.flat[:4]

    @property
    def records(self) -> torch.Tensor:
        """(K, 8) int32 words; columns 0 and 3 to 6 hold float32 bits."""
        end = HEADER_WORDS + self.max_records * RECORD_WORDS
        return self.flat[HEADER_WORDS:end].view(self.max_records, RECORD_WORDS)

    @property
    def regions(self) -> torch.Tensor:
        """(K, 4) int32 by plane."""
        start = HEADER_WORDS + self.max_records * RECORD_WORDS
        return self.flat[start:].view(self.max_records, REGION_WORDS)


@dataclass(frozen=True)
class Decoded:
    """The valid records as columns."""

    scores: torch.Tensor
    """(N,) float32."""
    class_ids: torch.Tensor
    """(N,) int32."""
    queries: torch.Tensor
    """(N,) int32."""
    boxes_xyxy: torch.Tensor
    """(N, 4) float32 px."""
    planes: torch.Tensor
    """(N,) int32, index into the mask planes."""


def decode(results: Results) -> Decoded:
    """Return the valid records as columns. Reads the count, so it waits if on a GPU."""
    rows = results.records[: int(results.counts[0])]
    floats = rows.view(torch.float32)
    return Decoded(floats[:, 0], rows[:, 1], rows[:, 2], floats[:, 3:7], rows[:, 7])
