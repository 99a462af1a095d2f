"""Engines built here from ONNX graphs, kept on disk, and checked before they are loaded."""
