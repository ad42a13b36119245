#!/usr/bin/python
"""A module written in Python, for the table of measured speed: it notes a line in a file."""
import os

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(argument_spec=dict(path=dict(type="path", required=True), line=dict(required=True)), supports_check_mode=True)
    path, line = module.params["path"], module.params["line"] + "\n"
    old = ""
    if os.path.exists(path):
        with open(path) as f:
            old = f.read()
    if old != line and not module.check_mode:
        with open(path, "w") as f:
            f.write(line)
    module.exit_json(changed=old != line)


if __name__ == "__main__":
    main()
