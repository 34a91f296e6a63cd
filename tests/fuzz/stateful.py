"""Sequences of requests along the links of the specs, against a running server: `python -m tests.fuzz.stateful SYSTEM`.

What FLOTILLA_FUZZ_* say is described in tests/fuzz/hooks.py. Each step is noted in FLOTILLA_FUZZ_LOG, with the
operation whose link led to it. When a check fails, it ends with a trace.
"""

import json
import os
import sys
from pathlib import Path

import hypothesis
import schemathesis
import schemathesis.checks
from hypothesis import HealthCheck, Phase
from hypothesis.errors import FlakyStrategyDefinition
from schemathesis.config import SchemathesisConfig

import tests.fuzz.hooks  # noqa: F401
from tests.fuzz.checks import CHECKS, NOT_MEANT

LOG = Path(os.environ["FLOTILLA_FUZZ_LOG"])
STEPS = int(os.environ["FLOTILLA_FUZZ_STEPS"])


def main(system: str) -> None:
    config = SchemathesisConfig.from_path(Path(__file__).with_name("schemathesis.toml"))
    url = f"{os.environ['FLOTILLA_FUZZ_URL']}/openapi/{system}.json"
    schema = schemathesis.openapi.from_url(url, config=config)

    checks = [getattr(schemathesis.checks, name) for name in CHECKS]

    class Sequence(schema.as_state_machine()):
        def step(self, input):
            output = super().step(input)
            linked = input.transition is not None and input.is_applied
            entry = {
                "operation": input.case.operation.definition.raw["operationId"],
                "from": input.transition.id.partition(" -> ")[0] if linked else None,
                "status": output.response.status_code,
            }
            with LOG.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
            return output

        def validate_response(self, response, case, additional_checks=None, **kwargs):
            operation = case.operation.definition.raw["operationId"]
            wanted = [check for check in checks if check.__name__ not in NOT_MEANT.get(operation, ())]
            case.validate_response(response, checks=wanted, transport_kwargs=kwargs or None, recorder=self.recorder)

    settings = hypothesis.settings(
        max_examples=2,  # the simplest, then one by chance
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    seed, ended = int(os.environ["FLOTILLA_FUZZ_SEED"]), 0
    for number in range(int(os.environ["FLOTILLA_FUZZ_SEQUENCES"])):
        hypothesis.seed(seed + number)(Sequence)
        try:
            Sequence.run(settings=settings)
        except FlakyStrategyDefinition:
            ended += 1  # what the server holds is another thing each time, so what is to be drawn next is too
    print(f"{ended} sequences ended early")


if __name__ == "__main__":
    main(sys.argv[1])
