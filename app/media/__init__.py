"""The media node: it forwards packets between the seats of a consult, and decodes none of them."""
