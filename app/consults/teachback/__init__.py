"""Teach-back and typed captions."""
