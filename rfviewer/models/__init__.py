"""Which network to run: the embedded demo model, official checkpoints, the user's files."""
