"""Print template.yaml as the SAM transform makes it, as JSON: transform.py TEMPLATE."""
import json
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoPolicies:
    """The template names none of AWS's managed policies."""

    def load(self):
        return {}


with open(sys.argv[1], encoding="utf-8") as file:
    template = yaml_parse(file.read())
for resource in template["Resources"].values():
    if "CodeUri" in resource.get("Properties", {}):
        resource["Properties"]["CodeUri"] = "s3://bucket/key"  # where sam deploy puts it
json.dump(transform(template, {}, NoPolicies()), sys.stdout)
