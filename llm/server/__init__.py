"""`torre serve`: the commands of Torre over HTTP. It knows nothing that the command line does not.

`guard` lets a request in or refuses it, `api/` answers it, `jobs/` keeps what was accepted until it is done: each
job is a `torre` process of its own, so that nothing a run does can take the server down.
"""
