"""What a file truly is, and whether it is safe to show."""
