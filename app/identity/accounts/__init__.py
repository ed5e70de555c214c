"""The life of an account: set-up links, forgotten passwords."""
