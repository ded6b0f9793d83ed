"""How large a table may be, whatever it comes from."""

COLUMNS = 4_000
ROWS = 20_000_000
CELL_CHARACTERS = 32_767  # what a spreadsheet holds; a longer cell is a quotation mark that was never closed
EXACT = 2.0**53  # from here on a whole number that was stored with a fraction is no longer exact
