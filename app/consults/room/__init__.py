"""The consultation itself: waiting room, seats, signalling, chat, timeline."""
