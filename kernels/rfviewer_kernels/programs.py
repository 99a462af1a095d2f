"""How many programs a persistent grid gets on a device."""

from functools import cache

import torch

_PER_MULTIPROCESSOR = 4


@cache
def persistent_programs(device: torch.device) -> int:
    """Return four per multiprocessor; two without a GPU, where the interpreter runs them."""
    if device.type != "cuda":
        return 2
    properties = torch.cuda.get_device_properties(device)
    return int(properties.multi_processor_count) * _PER_MULTIPROCESSOR
