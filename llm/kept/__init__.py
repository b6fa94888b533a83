"""Look at what was kept: runs and their stories, usage, what is left of the quotas. Nothing is written by looking.

What is found is plain JSON or the ledger's own rows; commands tell it to a person, the server to whoever asks.
"""
