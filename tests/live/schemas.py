# SPDX-License-Identifier: GPL-2.0-or-later
"""The JSON schemas of docs/, as tests hold documents against them."""

import json

import jsonschema

from harness import ROOT


def strict(schema):
    """The schema without room for keys that it does not describe."""
    if isinstance(schema, list):
        return [strict(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict):
        result["additionalProperties"] = False
    return result


def check(name, document):
    """Fails unless docs/NAME.schema.json describes the document, all of it."""
    schema = json.loads((ROOT / "docs" / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(strict(schema)).validate(document)
