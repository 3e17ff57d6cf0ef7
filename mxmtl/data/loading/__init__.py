"""From records to batches: ordered, decoded ahead, augmented, sampled."""
