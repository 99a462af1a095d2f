"""How many programs a persistent grid gets on a device."""

from functools import cache

import torch


@cache
def persistent_programs(device: torch.device, per_multiprocessor: int = 4) -> int:
    """Return so many per multiprocessor; two without a GPU, where the interpreter runs them."""
    if device.type != "cuda":
        return 2
    properties = torch.cuda.get_device_properties(device)
    return int(properties.multi_processor_count) * per_multiprocessor
