"""Three people, three zones: hours, free times, bookings, and interpreters in time."""
