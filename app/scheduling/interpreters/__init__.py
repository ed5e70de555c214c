"""Engagements of interpreters, their profiles, briefs and statements."""
