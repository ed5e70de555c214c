"""The number to call in an emergency, by country (ISO 3166-1 alpha-2). Where it is not known: 112,
or the local one.
"""

from __future__ import annotations

from collections.abc import Iterable

# answered from any GSM phone, also where the country's own number differs (3GPP TS 22.101, 10.1)
UNIVERSAL_EMERGENCY_NUMBER = "112"
EMERGENCY_NUMBERS: dict[str, str] = {
    "AE": "998",
    "AR": "107",
    "AT": "112",
    "AU": "000",
    "BD": "999",
    "BE": "112",
    "BH": "999",
    "BO": "118",
    "BR": "192",
    "CA": "911",
    "CH": "144",
    "CL": "131",
    "CN": "120",
    "CO": "123",
    "CR": "911",
    "CU": "104",
    "CZ": "112",
    "DE": "112",
    "DK": "112",
    "DO": "911",
    "DZ": "14",
    "EC": "911",
    "EG": "123",
    "ES": "112",
    "ET": "907",
    "FI": "112",
    "FR": "112",
    "GB": "999",
    "GR": "112",
    "GT": "123",
    "HK": "999",
    "HN": "911",
    "HU": "112",
    "ID": "112",
    "IE": "112",
    "IL": "101",
    "IN": "112",
    "IQ": "122",
    "IR": "115",
    "IT": "112",
    "JO": "911",
    "JP": "119",
    "KE": "999",
    "KR": "119",
    "KW": "112",
    "LB": "140",
    "LY": "193",
    "MA": "150",
    "MX": "911",
    "MY": "999",
    "NG": "112",
    "NI": "118",
    "NL": "112",
    "NO": "113",
    "NZ": "111",
    "OM": "9999",
    "PA": "911",
    "PE": "106",
    "PH": "911",
    "PK": "1122",
    "PL": "112",
    "PS": "101",
    "PT": "112",
    "PY": "141",
    "QA": "999",
    "RO": "112",
    "RU": "112",
    "SA": "997",
    "SD": "333",
    "SE": "112",
    "SG": "995",
    "SV": "132",
    "SY": "110",
    "TH": "1669",
    "TN": "190",
    "TR": "112",
    "TW": "119",
    "UA": "112",
    "US": "911",
    "UY": "105",
    "VE": "911",
    "VN": "115",
    "YE": "191",
    "ZA": "112",
}


def find_emergency_number(country: str | None) -> str | None:
    """The medical emergency number of a country, None where we do not know it."""
    return EMERGENCY_NUMBERS.get((country or "").upper())


def guess_country(tags: Iterable[str]) -> str | None:
    """A guess at the reader's country from the languages of their browser: «es-MX» says Mexico,
    «es» says nothing.
    """
    for tag in tags:
        region = tag.replace("_", "-").rpartition("-")[2].upper()
        if len(region) == 2 and "-" in tag.replace("_", "-"):
            return region
    return None
