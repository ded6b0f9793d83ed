"""The judge of records: it measures disclosure risk, and never protects."""
