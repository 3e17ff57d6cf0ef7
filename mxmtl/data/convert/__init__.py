"""From tables to records: planned, worked off, resumed, whole or not at all."""
