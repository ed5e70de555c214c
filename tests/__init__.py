"""The tests and benchmarks. Importing the application first pins the time zone rules for them."""

import app  # noqa: F401
