"""Quarters, calendars as bit strings, recurrence and time zones. Pure arithmetic."""
