#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""proto/PROTOCOL.md and minimio-protocol(7) have the methods, parameters, results, errors and limits that rpc.discover
and hello name, and no others; and every method has an exchange.

usage: MINIMIO_BUILD=BUILD tests/protocol/names.py"""
import json
import re
import sys
import tempfile

sys.dont_write_bytecode = True  # the sources' folder is not written to
from text import check_links, fail, of_chapter, steps
from wire import Client, Daemon

MANUAL = "man/minimio-protocol.7"
OF_THE_MACHINE = "registrations registrations_uid descriptors_uid descriptors_unread descriptors_unread_uid".split()


def require_same(what, expected, found):
    if expected != found:
        fail(f"{what}:\nexpected {expected}\nfound    {found}")


def listed(values):
    return ", ".join(f'`"{value}"`' for value in values)


def type_text(schema):
    """The type of a parameter as the text has it."""
    if "enum" in schema:
        return listed(schema["enum"])
    if isinstance(schema["type"], list):
        return " or ".join([", ".join(schema["type"][:-1]), schema["type"][-1]])
    if schema["type"] == "array":
        return "array of " + listed(schema["items"]["enum"])
    if "pattern" in schema:
        return f"string of {schema['minLength']} to {schema['maxLength']} of `A-Z a-z 0-9 . _ -`"
    if "maxLength" in schema:
        return f"string of {schema['minLength']} to {schema['maxLength']} bytes"
    if schema["type"] == "integer" and (schema["minimum"], schema["maximum"]) != (0, 2**53 - 1):
        return f"integer, {schema['minimum']} to {schema['maximum']}"
    return schema["type"]


def default_text(param):
    if param.get("required"):
        return "required"
    default = param["schema"].get("default")
    return "none" if default is None else f"`{json.dumps(default)}`"


def members(schema, schemas):
    """All names of members in a result."""
    if not schema:
        return set()
    if "$ref" in schema:
        return members(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    found = set(schema.get("properties", {}))
    for inner in [*schema.get("properties", {}).values(), schema.get("items", {})]:
        found |= members(inner, schemas)
    return found


def check_method(section, method, schemas):
    name = method["name"]
    expected = [[f"`{param['name']}`", type_text(param["schema"]), default_text(param)] for param in method["params"]]
    require_same(f"parameters of {name}", expected, [row[:3] for row in section.rows()])
    if not expected and "No parameters" not in section.prose():
        fail(f"{name}: the section does not say that there are no parameters")
    for member in members(method["result"]["schema"], schemas) - set(ready_flags(schemas)):
        if f"`{member}`" not in section.prose():
            fail(f"{name}: the section does not name the result's {member}")
    check_method_exchanges(section, name)


def check_method_exchanges(section, name):
    lines = [line for _, exchange in section.exchanges for line in steps(exchange)]
    if not any("→" in line and f'"method":"{name}"' in line for line in lines):
        fail(f"{name}: the section has no exchange")
    for error in re.findall(r'"data":\{"name":"([A-Z_]+)"', "".join(lines)):
        if f"`{error}`" not in section.prose():
            fail(f"{name}: the exchange has {error}, which the section does not name")


def ready_flags(schemas):
    return [name for name in schemas["event"]["properties"] if name != "token"]


def check_errors(errors):
    (chapter,) = of_chapter("Errors")
    expected = [[str(error["code"]), f"`{name}`"] for name, error in errors.items()]
    require_same("errors", expected, [row[:2] for row in chapter.rows()])
    methods = "\n".join(section.prose() for section in of_chapter("Methods"))
    for name, error in errors.items():
        if error["code"] > 0 and f"`{name}`" not in methods:
            fail(f"no section of a method names {name}")


def check_limits(limits):
    rows = of_chapter("Limits")[0].rows()
    require_same("limits", [f"`{name}`" for name in limits], [row[0] for row in rows])
    for (name, limit), row in zip(limits.items(), rows):
        if name not in OF_THE_MACHINE:
            require_same(f"the default of {name}", str(limit), row[1])


def check_flags(schemas):
    events = next(section for section in of_chapter("Registrations and events") if section.title == "Events")
    require_same("flags", [f"`{flag}`" for flag in ready_flags(schemas)], [row[0] for row in events.rows()])


# ---- The manual page -------------------------------------------------------------------------------------------------


def manual_items(section, macro):
    """The first words of the items of a section, and the items' text."""
    with open(MANUAL, encoding="utf-8") as file:
        body = re.split(r"^\.S[sh] ", file.read(), flags=re.MULTILINE)
    page = next(part for part in body if part.startswith(section + "\n"))
    items = re.split(rf"^\.It {macro} ", page, flags=re.MULTILINE)[1:]
    return {item.split()[0]: item for item in items}


def check_manual_method(method, item, schemas):
    heading = [f"{'' if param.get('required') else ' Op'} Ar {param['name']}" for param in method["params"]]
    require_same("a heading of the manual", method["name"] + "".join(heading), item.splitlines()[0])
    values = members(method["result"]["schema"], schemas) - set(ready_flags(schemas))
    for value in values.union(*(values_of(param["schema"]) for param in method["params"])):
        if not re.search(rf"\b{value}\b", item):
            fail(f"the manual's {method['name']} does not name {value}")


def values_of(schema):
    """Choices, default and range of a parameter."""
    values = set(schema.get("enum", schema.get("items", {}).get("enum", [])))
    if type(schema.get("default")) is int:
        values.add(schema["default"])
    if (schema.get("minimum"), schema.get("maximum")) != (0, 2**53 - 1):
        values |= {schema[key] for key in ("minimum", "maximum", "minLength", "maxLength") if key in schema}
    return values


def check_manual(document, limits):
    methods = manual_items("Methods", "Ic")
    require_same("methods of the manual", [method["name"] for method in document["methods"]], list(methods))
    for method in document["methods"]:
        check_manual_method(method, methods[method["name"]], document["components"]["schemas"])
    errors = {item.split()[0]: item.split("\n")[0] for item in manual_items("Errors", "Er").values()}
    expected = {
        name: f"{name} Pq {error['code']}".replace("-", "\\-") for name, error in document["components"]["errors"].items()
    }
    require_same("errors of the manual", expected, errors)
    require_same("limits of the manual", list(limits), list(manual_items("Limits", "Va")))
    for name, item in manual_items("Limits", "Va").items():
        if name not in OF_THE_MACHINE and not re.search(rf"\b{limits[name]}\b", item):
            fail(f"the manual does not name the default of {name}, {limits[name]}")


# ---------------------------------------------------------------------------------------------------------------------


def main():
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(folder)
        client = Client(daemon.path)
        document, hello = client.call("rpc.discover"), client.call("hello")
        client.close()
        daemon.end()
    schemas = document["components"]["schemas"]
    methods = of_chapter("Methods")[1:]
    require_same("methods", [method["name"] for method in document["methods"]], [section.title for section in methods])
    for section, method in zip(methods, document["methods"]):
        check_method(section, method, schemas)
    check_links()
    check_errors(document["components"]["errors"])
    check_limits(hello["limits"])
    check_flags(schemas)
    check_manual(document, hello["limits"])


main()
