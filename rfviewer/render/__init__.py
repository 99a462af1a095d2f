"""Drawing masks, boxes and labels onto frames on the host."""
