"""From a results folder to reports people can read."""
