"""Reads every part; writes none of their tables."""
