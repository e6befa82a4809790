"""What every area stands on: tables with constraints, transactions, a clock, handlers, errors."""
