"""Torre for agents: the Model Context Protocol on stdio or loopback HTTP. One tool a file in `tools/`."""
