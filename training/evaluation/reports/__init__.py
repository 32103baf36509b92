"""Reports on runs of an evaluation: what each arm scored, how arms differ, what it cost, and where it went wrong."""
