"""The second step at sign-in: authenticator apps, passkeys and recovery codes (ADR 0056)."""
