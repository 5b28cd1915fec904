"""Tests of jobs, of the worker, and of events and webhooks, which it delivers."""
