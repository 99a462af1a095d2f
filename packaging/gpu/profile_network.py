"""Print where the network's GPU time goes: kernels by total time of one eager pass of a form.

PYTHONPATH=.:kernels:packaging python packaging/gpu/profile_network.py fused
"""

import sys

import torch
from network import FORMS, demo_module, example_input
from torch.profiler import ProfilerActivity, profile

_PASSES = 5
_ROWS = 45

device = torch.device("cuda")
example = example_input(device, torch.float16)
network = FORMS[sys.argv[1]](demo_module(device, torch.float16), example)
for _ in range(3):
    network(example)
torch.cuda.current_stream().synchronize()
with profile(activities=[ProfilerActivity.CUDA]) as record:
    for _ in range(_PASSES):
        network(example)
    torch.cuda.current_stream().synchronize()
rows = sorted(record.key_averages(), key=lambda row: -row.device_time_total)
total = sum(row.device_time_total for row in rows) / _PASSES
launches = sum(row.count for row in rows) / _PASSES
print(f"{sys.argv[1]}: {total:.0f} us of GPU work, {launches:.0f} launches a pass")
for row in rows[:_ROWS]:
    print(
        f"{row.device_time_total / _PASSES:8.1f} us {row.count / _PASSES:6.1f} x  {row.key[:110]}"
    )
