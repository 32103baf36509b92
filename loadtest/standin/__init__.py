"""A stand-in engine: an OpenAI-shaped server whose every answer is bytes made at its start."""
