"""The container: RecordIO frames and image records, written and read."""
