"""The only writers of subscriptions and usage."""
