"""Torre turns a red build green and proves it. Nothing is imported here: the CLI's start stays cheap."""

__version__ = "0.1.0"
