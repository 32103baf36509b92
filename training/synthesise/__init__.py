"""Principles to rubrics at scale: scenario, pool of principles and rubric of each query; a filter of rubrics."""
