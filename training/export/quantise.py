"""`python quantise.py SOURCE OUT SCHEME IGNORED...`: llm-compressor's model-free quantisation, nothing around it.

A script for the interpreter of an environment of its own, whose pins are others than ours; imports nothing of ours.
"""

import sys

from llmcompressor import model_free_ptq  # type: ignore[import-not-found]

if __name__ == "__main__":
    source, out, scheme, *ignored = sys.argv[1:]
    model_free_ptq(model_stub=source, save_directory=out, scheme=scheme, ignore=ignored)
