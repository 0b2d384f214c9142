"""The process that owns connections."""
