"""Array arithmetic of effects: NumPy and SciPy in, NumPy out; nothing here knows what a school is."""
