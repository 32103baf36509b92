"""Rubrics to principles: clinicians' criteria are embedded, clustered, merged by a model, and laid out for review."""
