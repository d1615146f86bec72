//go:build tools

// Package tools pins the version of k6 that the load tests are built with: see go.mod.
package tools

import _ "go.k6.io/k6/v2"
