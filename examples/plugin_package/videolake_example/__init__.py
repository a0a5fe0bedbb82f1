"""Models of one's own for Videolake, small enough to read in a minute."""
