"""The sandbox where nothing can be mounted: each job has a copy of the workspace in a folder of its own (`box`).

It runs there as nobody (`privileges`), under Landlock and a supervised system call filter (`job`, `mediate`) that
the package `sandlock` provides. Torre sees it as any other (`sandbox`).
"""
