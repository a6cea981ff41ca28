"""Commands of the command line that stand alone, one file each: loaded when they are asked for, and no logic."""
