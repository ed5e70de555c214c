"""What a listener's connection can carry, and what is paused for it."""
