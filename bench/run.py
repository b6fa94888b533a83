"""`make bench`: every benchmark of this folder that needs no data from elsewhere, one JSON line a figure."""

from __future__ import annotations

from importlib import import_module

BENCHMARKS = ("start", "sandbox", "attacks", "throughput", "ledger", "lanes", "providers", "exactness", "examples")


def main() -> None:
    for name in BENCHMARKS:
        import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
