"""Tools for whoever writes the curated questions of a corpus."""
