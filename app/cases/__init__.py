"""The request for a second opinion: its questions, consents, members, stages and timeline."""
