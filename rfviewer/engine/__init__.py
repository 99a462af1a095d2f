"""From a frame to detections: slots, stages and backends. The only room with CUDA."""
