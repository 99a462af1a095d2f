"""What this installation can do, line by line, each problem with its remedy."""
