"""Rows at rest are sealed: an engine around an engine, the keys it seals with, and the way there from before."""
