"""The jobs process: leases rows of the outbox and does what they say."""
