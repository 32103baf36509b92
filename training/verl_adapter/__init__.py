"""Thin adapters from data and methods to verl 0.9: Ray, Megatron and vLLM, for full-parameter runs over many nodes."""
