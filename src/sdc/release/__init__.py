"""What leaves the house: packages, the store that keeps them, and how to tell that one is genuine."""
