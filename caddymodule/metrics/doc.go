// Package metrics counts what the token store and its routes do, for Prometheus. docs/metrics.md tells
// what the series mean.
package metrics
