"""Videos of which everything is known, because they were made from the scripts in `films/`."""
