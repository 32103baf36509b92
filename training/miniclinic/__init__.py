"""A small synthetic world of consultations with an exact scorer, for trying and measuring the machinery."""
