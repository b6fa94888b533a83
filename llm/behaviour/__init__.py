"""What passing candidates do beyond the tests: whether they agree, and whether one only special-cases."""
