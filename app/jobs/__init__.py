"""The jobs process: takes due rows of the outbox and runs the handlers of their kinds."""
