"""The expert's bench: the judges and the protectors on any file, outside the pipeline."""
