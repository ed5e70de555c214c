"""What every process does alike when it starts: zone rules and the log."""
