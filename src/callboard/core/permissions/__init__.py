"""Decide who may do what; a decision is data with a reason."""
