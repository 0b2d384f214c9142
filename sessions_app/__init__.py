"""What WhatsApp does."""
