"""`manage.py run_sessions` whose hosts reach the mock server.

    ORSTA_LANE=<the engine's options as JSON> python -m \
        sessions_app.runner.tests.neonize.runner_process
"""

from __future__ import annotations

import json
import os

import django
from django.core.management import call_command

if __name__ == "__main__":
    django.setup()
    # Not above: they need the settings.
    from sessions_app.engines import registry
    from sessions_app.engines.tests.neonize_lane import HASTY

    registry.configure({"neonize": json.loads(os.environ["ORSTA_LANE"]) | {"patience": HASTY}})
    call_command("run_sessions", node="process")
