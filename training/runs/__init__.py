"""The folder of a training run: what it was made with, what it measured, its plots, and their optional mirror."""
