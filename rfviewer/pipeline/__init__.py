"""The threads between a source and its sinks; no torch, no Qt."""
