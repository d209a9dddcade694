"""Gold questions, what answers are worth on them, and whether a difference is real."""
