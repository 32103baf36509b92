"""Feedback on revisions: kept, listed, exported and erased."""
