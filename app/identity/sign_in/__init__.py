"""Sessions and the devices they were opened on."""
