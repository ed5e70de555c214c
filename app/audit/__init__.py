"""The record of access: append-only, each entry carrying the hash of the one before."""
