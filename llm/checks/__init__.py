"""Discover a workspace's own checks and run them, result by result."""
