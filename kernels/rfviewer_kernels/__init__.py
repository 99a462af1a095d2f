"""Triton kernels of the RF-DETR pre- and postprocess, each with its plain torch reference."""
