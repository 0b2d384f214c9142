"""Name a device by what its browser says of itself, for the list of a person's logins."""

import ua_parser

UNKNOWN = "Unknown device"
_OTHER = "Other"  # what the parser says when it has nothing to say


def name_of(user_agent: str) -> str:
    """Return something like "Chrome on Linux"; of a program, its own name."""
    if not user_agent:
        return UNKNOWN
    browser = ua_parser.parse_user_agent(user_agent)
    system = ua_parser.parse_os(user_agent)
    family = browser.family if browser and browser.family != _OTHER else ""
    platform = system.family if system and system.family != _OTHER else ""
    if family and platform:
        return f"{family} on {platform}"
    # Programs call themselves name/version.
    return family or platform or user_agent.partition("/")[0].strip()[:40] or UNKNOWN
