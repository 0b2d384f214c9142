"""Starts Orsta whole with one command: `python -m orsta.launcher run`, which is `make run`.

Everything here but `management/` and what it calls works before Django is configured.
"""
