"""What tests hold in their hands: the server, from which they take phones."""

from __future__ import annotations

from sessions_app.engines.tests.mock_whatsapp import groups
from sessions_app.engines.tests.mock_whatsapp.media import MediaHost
from sessions_app.engines.tests.mock_whatsapp.phone import Phone
from sessions_app.engines.tests.mock_whatsapp.server import Server
from sessions_app.engines.tests.mock_whatsapp.telephone import Telephone
from sessions_app.engines.tests.mock_whatsapp.world import PHONE


class MockWhatsApp:
    """WhatsApp, offline. Every call returns once the server has done it."""

    def __init__(self) -> None:
        self._server = Server()
        self.media = MediaHost()

    def start(self) -> None:
        self.media.start()
        self._server.world.media_host = self.media.address
        self._server.start()

    def stop(self) -> None:
        self._server.stop()
        self.media.stop()

    def reset(self) -> None:
        """Forget every account and file, and close every socket."""
        self.media.forget_everything()
        self.media.broken = False
        self._server.call(self._server.forget_everything())

    def environment(self) -> dict[str, str]:
        """Return what a host process needs in its environment to reach this server."""
        return {
            "ORSTA_MOCK_WHATSAPP_PORT": str(self._server.port),
            "ORSTA_MOCK_WHATSAPP_ROOT": self._server.authority.root.public.hex(),
            "SSL_CERT_FILE": str(self.media.trusted),  # Go's own variable
        }

    def phone(self, number: str) -> Phone:
        """Return the phone with this number, digits only; its account comes to exist."""
        telephone = self._server.call(self._telephone(number))
        return Phone(self._server, self.media, telephone)

    def group(self, subject: str, *phones: Phone) -> str:
        """Make a group of these phones, whose first is its creator, and return its JID."""

        async def create() -> str:
            world = self._server.world
            founder, *members = [world.account(one.number) for one in phones]
            group = await groups.create(world, founder.devices[PHONE], subject, members)
            return group.jid

        return self._server.call(create())

    def refuse_new_clients(self, code: int) -> None:
        """Refuse every client that asks to be linked with this code, until the reset."""
        self._server.lobby.refusal = code

    def cut_off(self) -> None:
        """Be out of reach: every socket closes, and each new one at once."""
        self._server.out_of_reach = True
        self._server.call(self._server.close_all())

    def come_back(self) -> None:
        self._server.out_of_reach = False

    async def _telephone(self, number: str) -> Telephone:
        world = self._server.world
        account = world.account(number)
        if PHONE not in account.devices:
            account.devices[PHONE] = Telephone(world, account)
        telephone = account.devices[PHONE]
        assert isinstance(telephone, Telephone)
        return telephone
