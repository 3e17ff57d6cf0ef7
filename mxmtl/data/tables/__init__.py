"""Tables of images and labels: read, guessed at, split."""
