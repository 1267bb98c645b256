"""A new administrator at the set-up's pages: the printed address, forms, a call file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from billingsite.setup.claim import claim_token
from tests.support.cucm import Cluster, call_file

PASSWORD = "a-sentence-nobody-guesses"  # noqa: S105 - of a test
FILE_NAME = "cdr_ExampleCluster_01_202503101215_17"
CALLS = {
    "site": "London",
    "country": "GB",
    "time_zone": "",
    "currency": "",
    "driver": "cucm",
    "source": "",
    "folder": "",
    "options": "",
}
NUMBERS = {
    "exit_code": "9",
    "international_prefix": "00",
    "national_prefix": "0",
    "area_code": "20",
    "extensions": "20XX 6000",
    "local_lengths": "8",
    "emergency": "",
    "try_number": "",
}
GATEWAYS = {
    "gateway-TOTAL_FORMS": "3",
    "gateway-INITIAL_FORMS": "2",
    "gateway-0-device": "SIPTRK-PSTN",
    "gateway-0-kind": "pstn",
    "gateway-0-carrier": "Acme",
    "gateway-1-device": "*@GW1.example.com",
    "gateway-1-kind": "pstn",
    "gateway-1-carrier": "Acme",
    "gateway-2-device": "",
    "gateway-2-kind": "pstn",
    "gateway-2-carrier": "",
}
PRICES = {
    "carrier": "Acme",
    "how": "simple",
    "national": "0.02",
    "mobile": "0.10",
    "international": "0,50",
    "premium": "",
    "connect_fee": "0.05",
    "increment": "60",
    "try_number": "",
    "try_seconds": "150",
}
BUDGETS = {
    "unit": "office:London",
    "amount": "10",
    "period": "month",
    "warn_percent": "80",
    "is_locking": "on",
    "lock": "cucm",
    "callers": "10.1.2.0/24",
    "failure_policy": "open",
    "try_number": "",
}


def cucm_file(*, name: str = FILE_NAME, is_damaged: bool = False) -> SimpleUploadedFile:
    """A file of a cluster: inside, out to a landline, in, out to a mobile, abroad."""
    cluster = Cluster()
    records = [
        cluster.internal("2001", "2005", start=0),
        cluster.outgoing("2001", "902079460123", start=60, talk=125),
        cluster.incoming("07700900150", "2005", start=200, talk=30),
        cluster.outgoing("2005", "907700900199", start=300, talk=61),
        cluster.outgoing("2010", "90012025550143", start=400, talk=10),
        cluster.outgoing("2010", "9116123", start=500, talk=None),
    ]
    content = call_file(records)
    if is_damaged:
        content += b'\r\n1,2,"3"\r\n'
    return SimpleUploadedFile(name, content)


@dataclass
class NewAdministrator:
    """Somebody with a browser and, at first, nothing else."""

    client: Client = field(default_factory=Client)

    def come_with_the_address(self) -> Any:
        return self.client.get(f"/setup/start/{claim_token()}/")

    def post(self, step: str, values: dict[str, Any], action: str = "save", **more: Any) -> Any:
        data = {**values, "action": action, **more}
        return self.client.post(f"/setup/{step}/", data)

    def test(self, step: str, values: dict[str, Any], **more: Any) -> str:
        answer = self.post(step, values, "test", **more)
        return str(answer.content.decode())

    def become_administrator(self) -> Any:
        self.come_with_the_address()
        self.post("language", {"language": "en", "time_zone": "Europe/London", "currency": "GBP"})
        return self.post(
            "administrator",
            {
                "username": "ada",
                "first_name": "Ada",
                "last_name": "Rinaldi",
                "email": "ada@example.com",
                "password1": PASSWORD,
                "password2": PASSWORD,
            },
        )

    def set_everything_up(self) -> None:
        """All steps behind the second, with the sample file."""
        self.post("calls", CALLS, sample=cucm_file())
        self.post("numbers", {**NUMBERS, **GATEWAYS})
        self.post("prices", PRICES)
        self.post("people", {"how": "extensions"})
        self.post("budgets", BUDGETS)


def files_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())
