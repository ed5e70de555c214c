"""The people who work here: invited, given roles, and leaving."""
