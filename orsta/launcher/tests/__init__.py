"""Tests of the parts that start nothing; `orsta/tests/e2e` drives the real thing."""
