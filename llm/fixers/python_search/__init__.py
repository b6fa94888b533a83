"""The engine of `fixers/search.py`: where to edit (locate), what (templates), in which order (order)."""
