"""The engine for NVIDIA GPUs: slots of preallocated buffers, captured as graphs. Imports torch."""
