#!/usr/bin/env python3
"""Tollgate's one command: `python3 manage.py demo`, `test`, `setup`, `serve` and all others.

On a bare machine there is no Django yet. Then billingsite/bootstrap.py makes the
virtual environment beside this file and starts this file again inside it.
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the reader with an older Python is the point
    sys.exit("Tollgate needs Python 3.11 or newer; this is " + sys.version.split()[0])

from billingsite import bootstrap


def main() -> None:
    try:
        bootstrap.enter_environment(sys.argv)
    except bootstrap.CannotPrepare as refusal:
        sys.exit(f"Error: {refusal}")
    except KeyboardInterrupt:
        sys.exit(130)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billingsite.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - only now here

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
