"""Starts functions as users of their own, for a server that has no right to do that itself.

A process of its own, which keeps the rights to become another user and to end others' processes, and does only what its
few requests say. It imports nothing of the server but this package.
"""
