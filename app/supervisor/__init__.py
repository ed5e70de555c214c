"""Installs what Consilium needs on a machine, and keeps its three processes running."""
