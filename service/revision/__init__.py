"""The revision loop and its steps, free of HTTP and of any web framework."""
