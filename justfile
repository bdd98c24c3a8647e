# Shorthand; the scripts are the truth.

# Lists what there is.
default:
    @just --list

up *arguments:
    scripts/up {{arguments}}

down:
    scripts/down

# All checks and tests, or those that match nextest arguments.
test *arguments:
    scripts/test {{arguments}}

status:
    scripts/stack status

# After a change of a route: write the committed OpenAPI documents again.
openapi:
    scripts/openapi

format:
    cargo fmt --all
