"""A hasher whose work is counted: equal work takes equal time."""

from orsta.core.testing.hashers import CheapArgon2Hasher


class CountingHasher(CheapArgon2Hasher):
    """Counts the expensive work."""

    work = 0

    def encode(self, password, salt):
        type(self).work += 1
        return super().encode(password, salt)

    def verify(self, password, encoded):
        type(self).work += 1
        return super().verify(password, encoded)
