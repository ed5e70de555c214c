"""Who hears whom: modes, channels, hand-over, and interpreters who do not come."""
