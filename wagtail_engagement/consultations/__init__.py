"""Asking: consultations, their questionnaires and what was answered."""
