"""Hostile texts, and how far they move verdicts, answers and the guard."""
