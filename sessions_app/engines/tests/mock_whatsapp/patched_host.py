"""Runs the engine's host process against the mock server: the same program, redirected.

    python -m sessions_app.engines.tests.mock_whatsapp.patched_host <the host's arguments>

The environment names the server (`MockWhatsApp.environment`).
"""

from __future__ import annotations

import sys

from sessions_app.engines.neonize import host
from sessions_app.engines.tests.mock_whatsapp.redirect import redirect_neonize

if __name__ == "__main__":
    redirect_neonize()
    sys.exit(host.main(sys.argv[1:]))
