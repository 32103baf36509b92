"""Consultations in the manner of the PulseMind benchmark (arXiv 2601.07344): a patient, a doctor, a judge of pairs."""
