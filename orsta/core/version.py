"""The version of this Orsta, which runners report."""

VERSION = "0.1.0"
