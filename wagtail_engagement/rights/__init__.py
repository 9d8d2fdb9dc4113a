"""Access, erasure, retention and the data protection pack: reads and cleans every part."""
