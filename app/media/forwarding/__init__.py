"""Seats, publications and subscriptions: the packet path."""
