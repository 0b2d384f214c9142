"""The app's configuration."""

from django.apps import AppConfig


class ContactsConfig(AppConfig):
    """Address books of sessions."""

    name = "sessions_app.contacts"
    label = "contacts"
    verbose_name = "Contacts"

    def ready(self) -> None:
        from accounts import exports
        from sessions_app.contacts import selectors

        exports.register("contacts", selectors.archive)
