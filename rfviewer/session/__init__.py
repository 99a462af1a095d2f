"""One interface to the pipeline, in this process or in a child process."""
