"""The judge: compares the backend with the bare host, program by program."""
