"""Which times and people fit together, and why none does."""
