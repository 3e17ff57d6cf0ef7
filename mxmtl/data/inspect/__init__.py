"""What is in records, and what is wrong with them."""
