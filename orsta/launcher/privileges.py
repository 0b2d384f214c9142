"""How PostgreSQL runs when the launcher is root, which PostgreSQL refuses to be.

The first way is a user namespace with one user in it: to itself the server is an ordinary
user, to the rest of the machine it is still root, so it can work in a folder that only root
can enter and its files stay root's. Containers often forbid namespaces. There the server
becomes a real ordinary user that keeps the single right to pass closed folders.
"""

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from orsta.launcher import processes
from orsta.launcher.errors import CannotStart

USERS = ("postgres", "daemon", "nobody")  # initdb wants one that the machine knows


@dataclass(frozen=True)
class Rights:
    """What to put before PostgreSQL's commands, and who must own its folder."""

    prefix: tuple[str, ...] = ()
    owner: tuple[int, int] | None = None

    def give(self, path: Path) -> None:
        """Make PostgreSQL the owner of its folder and all in it."""
        if self.owner is None:
            return
        for item in (path, *path.rglob("*")):
            if item.lstat().st_uid != self.owner[0]:
                os.chown(item, *self.owner, follow_symlinks=False)


def for_postgres(binary: Path) -> Rights:
    """Return how to run this `postgres` binary as the present user.

    :raises CannotStart: when root can't step down on this machine.
    """
    if os.geteuid() != 0:
        return Rights()
    for rights in (_namespace(), _other_user()):
        if _works(rights, binary):
            return rights
    raise CannotStart(
        "PostgreSQL does not run as root and this machine lets root neither make a user "
        "namespace nor change the user: run this as an ordinary user, or set DATABASE_URL."
    )


def _user() -> pwd.struct_passwd:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(known[name] for name in USERS if name in known)


def _namespace() -> Rights:
    user = _user()
    mapping = (f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}")
    return Rights(prefix=("unshare", "--user", *mapping, "--"), owner=(0, 0))


def _other_user() -> Rights:
    user = _user()
    only = "-all,+dac_override"
    prefix = (
        "setpriv",
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        f"--inh-caps={only}",
        f"--ambient-caps={only}",
        f"--bounding-set={only}",
        "--",
    )
    return Rights(prefix=prefix, owner=(user.pw_uid, user.pw_gid))


def _works(rights: Rights, binary: Path) -> bool:
    """Try it on something harmless."""
    if shutil.which(rights.prefix[0]) is None:
        return False
    return processes.run([*rights.prefix, str(binary), "--version"], quiet=True).returncode == 0
