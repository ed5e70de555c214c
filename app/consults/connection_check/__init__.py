"""The test of camera, microphone and connection before a consultation."""
