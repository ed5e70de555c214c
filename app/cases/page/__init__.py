"""What a slice adds to the page of a case: facts, panels and next steps."""
