"""What patients send: how it arrives, lies encrypted, is inspected, and is opened."""
