"""Schemathesis hooks: credentials for each operation, ids of things that exist, bodies that can be valid.

What differs from system to system is in the module of its name beside this one (FLOTILLA_FUZZ_SYSTEM). A value is only
replaced where the fuzzer meant it to be valid; what it made wrong on purpose goes out as it is. Each answer's status is
noted in FLOTILLA_FUZZ_LOG.
"""

import json
import os
from importlib import import_module
from typing import Any

import schemathesis
from schemathesis.core.parameters import ParameterLocation

from tests.fuzz.cases import linked, meant_wrong, name
from tests.support.corpus import record

SYSTEM: Any = import_module(f"tests.fuzz.{os.environ['FLOTILLA_FUZZ_SYSTEM']}")
SHARE = 0.75  # of the cases that get real ids; the rest show what unknown ones do


@schemathesis.auth()
class Credentials:
    """The credential that an operation asks for."""

    def get(self, case: Any, context: Any) -> dict[str, str]:
        return {}

    def set(self, case: Any, data: dict[str, str], context: Any) -> None:
        headers = case.headers = case.headers or {}
        credential = SYSTEM.credential(case)
        if credential is not None:
            headers["Authorization"] = credential


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Put things that exist where the fuzzer meant a valid value."""
    if case.method.upper() not in (case.operation.method.upper(), "HEAD") or case.meta is None:
        return
    operation = name(case)
    SYSTEM.before(case, operation)
    if SYSTEM.RANDOM.random() > SHARE:
        return
    if operation in SYSTEM.PATHS and not linked(case) and not meant_wrong(case, ParameterLocation.PATH):
        case.path_parameters = SYSTEM.PATHS[operation]()
    if linked(case) and operation in SYSTEM.LISTED and not meant_wrong(case, ParameterLocation.QUERY):
        SYSTEM.LISTED[operation]()
        case.query = {}
    if not case.meta.generation.mode.is_negative:
        SYSTEM.body(case, operation)


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Note which operation answered what."""
    SYSTEM.after(case, name(case), response.status_code)
    sent = response.request
    content = sent.body.encode() if isinstance(sent.body, str) else sent.body
    record("fuzz", sent.method, sent.url, sent.headers.items(), content, response.status_code)
    if sent.method != case.operation.method.upper():
        return
    line = {"operation": name(case), "method": sent.method, "status": response.status_code}
    with open(os.environ["FLOTILLA_FUZZ_LOG"], "a", encoding="utf-8") as file:  # noqa: PTH123
        file.write(json.dumps(line) + "\n")
