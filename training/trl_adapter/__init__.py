"""Thin adapters from data and methods to TRL's trainers: one process on a CPU up to one node of GPUs."""
