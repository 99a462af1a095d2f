"""Measurements and proofs: no Qt, used by the window and the command line."""
