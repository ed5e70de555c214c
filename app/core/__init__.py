"""What every room of the house stands on. Knows neither Flask nor a slice."""
