"""Arabic: the year first, with Latin digits."""

DATE_FORMAT = "Y/m/d"
TIME_FORMAT = "g:i A"
DATETIME_FORMAT = "Y/m/d، g:i A"
