"""Organisations, their offices, and who works in them as what."""
