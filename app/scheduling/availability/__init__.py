"""When people can be asked: opening hours, absences and calendars from elsewhere."""
