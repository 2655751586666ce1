"""Carry out what changes a store: plan, run assets, check, publish, accept."""
