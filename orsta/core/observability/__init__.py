"""Logs, traces, metrics, probes."""
