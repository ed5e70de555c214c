"""Claims, bookings, series, and the office's ways to move or rescue them."""
