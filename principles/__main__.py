"""Owns `python -m principles`."""

import sys

from principles.cli import main

if __name__ == "__main__":
    sys.exit(main())
