//! The image of `docassist serve`.

use super::head;
use crate::plan::Plan;

pub(super) fn render(plan: &Plan) -> String {
    let head =
        head(plan, "The image of `docassist serve`: docker build --file deploy/Dockerfile . in the repository's root.");
    format!(
        r#"# syntax=docker/dockerfile:1.7
{head}
# The Rust that Cargo.toml asks for, on the same Debian as below, so that the program finds the C library it was built for.
FROM rust:1.95-slim-bookworm AS build
# SQLite and the cryptography of TLS are compiled from C.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# Crates and objects stay in the builder's cache, so that a small change does not build everything. --locked: exactly the
# versions that were tested.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package docassist \
 && install -D --mode=0755 target/release/docassist /out/docassist

# Slim, with bash, which the health check uses; there is no curl to be abused.
FROM debian:bookworm-slim
# git reads remote repositories, ssh those behind keys, certificates say which servers are who they claim to be.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates git openssh-client \
 && rm -rf /var/lib/apt/lists/*
# A user of its own with a fixed number, so that volumes keep their owner when the image changes; no shell to log in with.
RUN groupadd --gid 10001 docassist \
 && useradd --uid 10001 --gid docassist --no-create-home --home-dir /var/lib/docassist --shell /usr/sbin/nologin docassist \
 && install --directory --owner=docassist --group=docassist --mode=0750 /var/lib/docassist
COPY --from=build /out/docassist /usr/local/bin/docassist
USER 10001:10001
# Where data is, and HOME for git and ssh.
ENV DOCASSIST_DATA=/var/lib/docassist HOME=/var/lib/docassist
VOLUME /var/lib/docassist
EXPOSE 4000
# The service ends its requests when it is asked to.
STOPSIGNAL SIGTERM
ENTRYPOINT ["docassist"]
CMD ["serve"]
"#
    )
}

/// What is not sent to the builder. Docker reads `<Dockerfile>.dockerignore` beside the Dockerfile.
pub(super) fn ignored(plan: &Plan) -> String {
    let head = head(plan, "What the image is not built from.");
    format!(
        "{head}
# Secrets: they must be in no layer.
deploy/secrets
deploy/.env
**/.env
# Large, and made anew.
target
# The history is not needed for building, and is often larger than all else.
.git
# Somebody's data.
.docassist
"
    )
}
