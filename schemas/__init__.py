"""What Videolake's records, tables and configuration are. No I/O, no models: pyarrow and pydantic only."""
