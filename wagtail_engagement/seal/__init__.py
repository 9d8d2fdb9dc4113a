"""Which site a database belongs to, and what is journalled outside it."""
