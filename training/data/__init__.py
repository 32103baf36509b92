"""Training data: typed records, the files that hold them, and the check that names every fault in a file."""
