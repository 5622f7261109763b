# Commands under short names; each works without `just` as well.

run:
    cargo run --release -- serve

test:
    scripts/test

lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

deny:
    cargo deny check

bench:
    cargo bench
