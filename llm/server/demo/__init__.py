"""`torre serve --demo`: a project that is red, and some weeks of runs that never were, in a directory that is gone
when the server ends. The data is made by the stores' own methods, the same for the same seed."""
