"""What is counted and kept: quotas that hold across processes and crashes, and the record of each run."""
