"""Rooms, seats, publications and subscriptions: the packet path."""
