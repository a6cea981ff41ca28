"""Cost lines that are more than a quantity times a unit cost: one file each, exporting ``LINE``."""
