"""The people a session knows."""
