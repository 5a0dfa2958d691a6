"""The rules of deploy/prometheus, also at a higher speed: hours of an alert in minutes of a test."""

import re

import yaml

from support import DEPLOY

RULES = DEPLOY / "prometheus/rules.yml"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION = r"(\d+)([smhd])"


def groups():
    return yaml.safe_load(RULES.read_text())["groups"]


def alerts():
    """{name: rule}"""
    return {rule["alert"]: rule for group in groups() for rule in group["rules"] if "alert" in rule}


def faster(factor):
    """The rules with all times divided: of ranges, offsets and `for`. With scrapes divided as well they say the same."""

    def shorter(match):
        return f"{max(1, int(match[1]) * SECONDS[match[2]] // factor)}s"

    made = groups()
    for group in made:
        for rule in group["rules"]:
            rule["expr"] = re.sub(
                rf"(\[|\boffset ){DURATION}", lambda match: match[1] + shorter(re.match(DURATION, match[0][len(match[1]) :])),
                rule["expr"],
            )  # fmt: skip
            if "for" in rule:
                rule["for"] = re.sub(DURATION, shorter, rule["for"])
    return {"groups": made}
