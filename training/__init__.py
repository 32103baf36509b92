"""Offline training and evaluation: what makes and proves the served checkpoints."""
