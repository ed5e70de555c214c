"""Receiving uploads: the tus protocol and the encrypted parts that they fill."""
