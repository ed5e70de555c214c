"""Recording a room without decoding it."""
