"""Messages in the reader's language and zone, on the page and by mail, without clinical content."""
