import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from slides_api.__main__ import GENERATED, REPOSITORY, main
from slides_api.schema import build_manifest_schema


def test_committed_files_are_what_the_models_say() -> None:
    assert main(["--check"]) == 0


def test_schema_itself_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(build_manifest_schema())


def test_schema_describes_every_field() -> None:
    schema = build_manifest_schema()
    owners = (schema, *schema["$defs"].values())
    fields = {
        f"{owner['title']}.{name}": field
        for owner in owners
        for name, field in owner.get("properties", {}).items()
    }
    assert len(fields) > 40
    assert [name for name, field in fields.items() if not is_described(field, schema)] == []


def is_described(field: dict[str, str], schema: dict[str, Any]) -> bool:
    """Tell whether a field has words of its own or those of its type, when they are the same."""
    return "description" in (field | schema["$defs"].get(field.get("$ref", "")[8:], {}))


def test_writes_files_and_then_finds_them_current(tmp_path: Path) -> None:
    assert main(["--check", str(tmp_path)]) == 1
    assert main([str(tmp_path)]) == 0
    assert main(["--check", str(tmp_path)]) == 0
    for name in GENERATED:
        assert (tmp_path / name).read_bytes() == (REPOSITORY / name).read_bytes()


def test_says_which_files_are_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(tmp_path)])
    *edited, missing, same = GENERATED
    for name in edited:
        with (tmp_path / name).open("a") as file:
            file.write("edited by hand")
    (tmp_path / missing).unlink()

    assert main(["--check", str(tmp_path)]) == 1

    told = capsys.readouterr().err
    assert [name for name in GENERATED if name in told] == [*edited, missing]
    assert f"/{same} " not in told


def test_manifest_schema_says_nothing_of_kubernetes() -> None:
    assert "x-kubernetes" not in json.dumps(build_manifest_schema())
