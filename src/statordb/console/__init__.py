"""The web console: pages made on the server, over the public APIs that any client may use.

Nothing here knows a store: what a page shows was asked of the server's own port by signed requests, as the one who has
signed in, and so it may do what that key may.
"""
