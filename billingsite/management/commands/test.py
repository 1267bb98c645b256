"""The whole test suite, by pytest."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from django.core.management.base import BaseCommand

from billingsite.services import HOME


class Command(BaseCommand):
    help = (
        "Run the test suite; everything behind the command goes to pytest. SQLite by default, "
        "PostgreSQL with DATABASE_URL. What needs a service that is not there is named at the "
        "end; with CI=true it is a failure."
    )

    def run_from_argv(self, argv: list[str]) -> None:
        """Hand all arguments to pytest as they are, in a process without our settings."""
        arguments = argv[2:]
        if arguments in (["--help"], ["-h"]):
            self.stdout.write(f"usage: manage.py test [pytest arguments]\n\n{self.help}")
            return
        with tempfile.TemporaryDirectory(prefix="tollgate-tests-") as data_dir:
            environment = {"DATA_DIR": data_dir, **os.environ}
            done = subprocess.run(  # noqa: S603 - our own interpreter
                [sys.executable, "-m", "pytest", *arguments],
                cwd=HOME,
                env=environment,
                check=False,
            )
        sys.exit(done.returncode)
