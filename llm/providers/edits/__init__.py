"""The forms in which models write edits, one a file; each `read(lines, files)` gives the changed files, or None.

None means that the answer is not of this form at all; AnswerError that it is, and cannot be used.
"""
