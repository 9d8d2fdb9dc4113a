"""Spreadsheets in: reading, matching columns, batches, and what becomes of each row."""
