"""What a release lost: per column, in numbers, in tables, and to somebody who tries to tell it from the original."""

from sdc.utility.columns import column_losses, granularity_loss, information_loss, label_shares

__all__ = ["column_losses", "granularity_loss", "information_loss", "label_shares"]
