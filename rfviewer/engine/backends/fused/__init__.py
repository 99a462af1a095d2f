"""RF-DETR's network written out for the GPU: few launches, from the weights of rfdetr's module.

Each file builds one part from the part of the module it replaces, and says by `Unsupported` what it
was not written for. Nothing here reads a value back or makes a tensor from host data in a pass, so
a pass can be captured as it is. Source of the architecture: rfdetr 1.11.2.
"""
