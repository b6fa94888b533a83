"""The dashboard's figures, a file a page: what was kept, counted under a `Filter`. Looking writes nothing, but
for one thing: a file that an older Torre left is brought up to date by whoever opens it first.

A page opens the traces by `llm.ledger.home.open_figures(root, env)`, which is a context manager and finds nothing
where no run was ever kept, and asks one function of a file here. Results are frozen dataclasses of plain values
(`dataclasses.asdict` makes them JSON); their tables give `rows()` for CSV. Times are seconds since the epoch,
money is integer micro-USD, and a figure that is made of runs says by `within(filter)` which ones.
"""
