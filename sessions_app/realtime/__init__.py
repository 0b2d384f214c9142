"""The WebSocket: commands in, events out."""
