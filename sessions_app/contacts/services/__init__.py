"""What changes a session's contacts."""
