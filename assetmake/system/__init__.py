"""What the operating system and Python are asked: files, memory, processes."""
