"""Where results go: annotated video, labels, screenshots."""
