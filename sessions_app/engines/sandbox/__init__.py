"""An engine that behaves like WhatsApp, for customers who build without a phone."""
