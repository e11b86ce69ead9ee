// Package metrics shows what the rooms count to Prometheus. It is the only
// package that knows Prometheus: the rooms keep plain numbers, which are read
// when somebody asks.
//
// families.go is the table of all metrics; docs/MONITORING.md is made from it.
// Every label has its values from a closed list.
package metrics
