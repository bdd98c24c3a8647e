# Shorthand; the scripts are the truth. `just --list` shows all.

up *arguments:
    scripts/up {{arguments}}

down:
    scripts/down

# All checks and tests, or those that match nextest arguments.
test *arguments:
    scripts/test {{arguments}}

status:
    scripts/stack status

# After a change of a route: write the committed OpenAPI documents anew.
openapi:
    cargo build --workspace --bins
    HAUSHAVN_BIN_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/haushavn/target}/debug" scripts/openapi

format:
    cargo fmt --all
