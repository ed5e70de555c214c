"""The directory of the people who work here."""
