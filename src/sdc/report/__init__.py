"""The page a reviewer reads before deciding: what was asked, what was done, what it did to risk and to use."""
