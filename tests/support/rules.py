"""Which numbered rules of the references have a test: `make rules` lists those without one.

A test names what it proves: `@pytest.mark.rule("mender 4.4")`.
"""

import ast
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
RULES = TESTS / "reference" / "rules.txt"


def wanted() -> dict[str, str]:
    """Section -> what it is about."""
    lines = [line for line in RULES.read_text("utf-8").splitlines() if line and line[0] != "#"]
    return {section: about.strip() for section, _, about in (line.partition(":") for line in lines)}


def proved() -> dict[str, int]:
    """Section -> how many tests name it; read from the sources, nothing is imported."""
    found: dict[str, int] = {}
    for file in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                for section in map(_section, node.decorator_list):
                    if section:
                        found[section] = found.get(section, 0) + 1
    return found


def _section(decorator: ast.expr) -> str | None:
    is_rule = isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.rule"
    if not is_rule or not isinstance(decorator, ast.Call) or not isinstance(decorator.args[0], ast.Constant):
        return None
    return str(decorator.args[0].value)


if __name__ == "__main__":
    tests = proved()
    missing = [f"{section}: {about}" for section, about in wanted().items() if section not in tests]
    print("\n".join(missing) if missing else f"All {len(wanted())} rules have a test.")
    sys.exit(bool(missing))
