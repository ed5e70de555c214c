"""The edge: what every page and every socket event passes through."""
