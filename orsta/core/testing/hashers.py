"""A password hasher for tests."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class CheapArgon2Hasher(Argon2PasswordHasher):
    """Argon2id with the smallest parameters, so that a test's sign-up takes no 50 ms."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
