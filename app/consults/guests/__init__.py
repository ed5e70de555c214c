"""Guests who join a consultation by invitation."""
