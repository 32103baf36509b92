"""Judges for rewards and filters: criteria, comparisons and scores, behind engines or exactly in the miniclinic."""
