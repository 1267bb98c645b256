"""English as nobody reads it wrongly, wherever he is: 22 Nov 2026, 17:56."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i"
