"""What `--json` prints: one class an object, of which docs/cli_json.md is made (`page`)."""
