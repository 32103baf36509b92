"""Evaluation of answers, revisions and judges."""
