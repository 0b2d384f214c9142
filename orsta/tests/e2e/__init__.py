"""Tests that drive a whole running Orsta from outside, as people and programs do."""
