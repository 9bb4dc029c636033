#!/bin/sh
# Makes the certificates of the tests anew: two authorities, and a member of each; keys of authorities are thrown away.
set -eu
cd "$(dirname "$0")"
days=14600
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
for who in cluster stranger; do
  mkdir -p "$who"
  key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
  # shellcheck disable=SC2086
  openssl req -x509 $key -keyout "$scratch/ca.key" -out "$who/ca.pem" -days $days -subj "/CN=Moetier tests, $who"
  # shellcheck disable=SC2086
  openssl req $key -keyout "$who/key.pem" -out "$scratch/member.csr" -subj "/CN=member of $who"
  openssl x509 -req -in "$scratch/member.csr" -CA "$who/ca.pem" -CAkey "$scratch/ca.key" -set_serial 1 -days $days \
    -out "$who/cert.pem"
done
