"""openapi.yaml as the tests use it: which statuses it has, and whether a response fits it."""

import functools
import json

import jsonschema
import yaml

import program

PATH = program.REPOSITORY / "openapi.yaml"


@functools.cache
def document():
    return yaml.safe_load(PATH.read_text())


def resolve(node):
    """The node that a `$ref` within the document points at, or the node itself."""
    while "$ref" in node:
        target = document()
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def validate(instance, schema):
    """Raises unless the instance fits the schema, whose references are the document's."""
    rooted = schema | {"components": document()["components"]}
    jsonschema.Draft202012Validator(rooted).validate(instance)


def check_response(path, method, status, fields, body):
    """A response is one that the document foresees for this path, its fields and body included.

    What is not in the document (an unknown path, another method) must be as on any other path.
    """
    operations = document()["paths"].get(path, document()["paths"]["/v1/embeddings"])
    operation = operations.get(method.lower(), operations.get("post", operations.get("get")))
    response = resolve(operation["responses"][str(status)])
    for name, header in response["headers"].items():
        header = resolve(header)
        if header.get("required"):
            assert name.lower() in fields, f"the field {name} is missing"
        if name.lower() in fields:
            value = fields[name.lower()]
            schema = header["schema"]
            validate(int(value) if schema["type"] == "integer" else value, schema)
    [(media_type, content)] = response["content"].items()
    assert fields["content-type"].split(";")[0] == media_type
    if media_type == "application/json":
        validate(json.loads(body), content["schema"])
