"""rfviewer: a live viewer for RF-DETR segmentation that shows why it is fast."""
