"""The engine that speaks to WhatsApp itself, in one host process per session."""
