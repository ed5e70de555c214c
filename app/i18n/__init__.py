"""Languages: which there are, how they are written, and how to say a sentence in any of them."""
