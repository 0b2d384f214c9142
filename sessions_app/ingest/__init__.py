"""From engine events to services."""
