"""How Django's own pages write days and times, as all other pages do (Unicode CLDR)."""
