"""Each role's home page and the page of a case; composes what the slices know."""
