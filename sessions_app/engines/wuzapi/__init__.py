"""The engine for sessions that live in a WuzAPI gateway, or in a fork of it."""
