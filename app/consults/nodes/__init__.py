"""The media nodes as the web process sees them."""
