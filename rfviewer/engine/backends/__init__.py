"""Runtimes that execute the network."""
