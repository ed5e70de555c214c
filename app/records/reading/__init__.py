"""A record's bytes for reading."""
