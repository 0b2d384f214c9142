"""Messages, in and out."""
