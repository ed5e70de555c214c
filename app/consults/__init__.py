"""The meeting: waiting room, signalling, who hears whom, chat, and the record of it."""
