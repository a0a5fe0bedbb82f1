"""Material with known content: films made from the scripts in `films/`, and recordings."""
