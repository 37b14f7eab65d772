// Command fakek6 is a k6 1.x for the tests: see the package k6test.
package main

import (
	"os"

	"github.com/swarmcall/swarmcall/internal/swarmtest/k6test"
)

func main() { os.Exit(k6test.Main(os.Args[1:], os.Stdout, os.Stderr)) }
