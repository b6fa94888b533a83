"""Change the user's files: a proven diff is written whole or not at all, and can be taken back.

`plan` says what may be applied, `transaction` applies it, `undo` takes it back or finishes what a crash left.
All of them write ahead into a `journal` under a `lock`, and reach every file through a `tree`.
"""
