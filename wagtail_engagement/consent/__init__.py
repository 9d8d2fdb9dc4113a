"""What we may do with an address, and the proof of it."""
