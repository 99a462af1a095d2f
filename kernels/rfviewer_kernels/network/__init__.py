"""Kernels of the network itself: what lies between its matrix products, fused.

All take activations in fp16, bf16 or fp32, compute in fp32 and allocate what they return, so that a
captured graph owns it, unless they are told where to write. Torch twins of each are in
`reference.py`.
"""
